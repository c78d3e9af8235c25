"""Opening the platform: it makes what is missing and refuses what does not belong together."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from psycopg import sql

from bulk_lookup_dagster.core.errors import ConfigError, StorageError
from bulk_lookup_dagster.services.instance import Platform, open_platform, with_dotenv
from bulk_lookup_dagster.storage import migrate
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded import SUPERUSER, EmbeddedServer


@pytest.fixture
def environ(postgres: EmbeddedServer, database: str, tmp_path: Path) -> dict[str, str]:
    """An environment on a migrated but unbound database, Dagster's on another."""
    return {
        "BULK_LOOKUP_ENV": "local",
        "BULK_LOOKUP_HOME": str(tmp_path / "home"),
        "DATABASE_URL": postgres.dsn(database),
        "DAGSTER_DATABASE_URL": postgres.dsn("dagster"),
    }


@pytest.fixture
def single_role(
    postgres: EmbeddedServer, admin_dsn: str, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """An environment with one role for everything, on an empty database."""
    with connect(admin_dsn, autocommit=True) as conn:
        conn.execute("CREATE DATABASE single_role")
    yield {
        "BULK_LOOKUP_HOME": str(tmp_path / "home"),
        "DATABASE_URL": postgres.dsn("single_role", SUPERUSER),
    }
    with connect(admin_dsn, autocommit=True) as conn:
        for name in ("single_role", "single_role_dagster"):
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            conn.execute(drop.format(sql.Identifier(name)))


def test_opening_again_finds_the_same_key(environ: dict[str, str]) -> None:
    first = open_platform(environ)
    assert open_platform(environ).secret_key == first.secret_key
    key_file = Path(environ["BULK_LOOKUP_HOME"]) / "secret.key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert first.secret_key.hex() not in repr(first)
    assert [path.name for path in key_file.parent.glob("secret.*")] == ["secret.key"]


def test_an_opened_platform_knows_its_own_addresses(platform: Platform) -> None:
    assert platform.environment.name == "demo"
    for address in (platform.dsn, platform.dagster_dsn, platform.migration_dsn):
        connect(address).close()
        assert address not in repr(platform)


def test_another_environment_is_refused(environ: dict[str, str]) -> None:
    open_platform(environ)
    with pytest.raises(ConfigError, match="belongs to environment 'local'") as caught:
        open_platform({**environ, "BULK_LOOKUP_ENV": "production"})
    assert caught.value.code == "other_environment"


def test_another_key_is_refused(environ: dict[str, str]) -> None:
    open_platform(environ)
    with pytest.raises(ConfigError, match="another secret key") as caught:
        open_platform({**environ, "BULK_LOOKUP_SECRET_KEY": "ab" * 32})
    assert "ab" * 32 not in str(caught.value)


def test_a_lost_key_is_never_replaced_by_a_new_one(environ: dict[str, str]) -> None:
    open_platform(environ)
    key_file = Path(environ["BULK_LOOKUP_HOME"]) / "secret.key"
    key_file.unlink()
    with pytest.raises(ConfigError, match="is missing"):
        open_platform(environ)
    assert not key_file.exists()


def test_one_role_is_enough_and_both_databases_are_made(single_role: dict[str, str]) -> None:
    platform = open_platform(single_role)
    assert migrate.current(platform.dsn) == migrate.latest()
    with connect(platform.dagster_dsn) as conn:
        assert conn.info.dbname == "single_role_dagster"


def test_simultaneous_first_starts_agree(single_role: dict[str, str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        platforms = list(pool.map(open_platform, [single_role] * 4))
    assert len({platform.secret_key for platform in platforms}) == 1


def test_embedded_server_is_started_kept_and_stopped(tmp_path: Path) -> None:
    environ = {"BULK_LOOKUP_ENV": "demo", "BULK_LOOKUP_HOME": str(tmp_path)}
    platform: Platform = open_platform(environ)
    try:
        with connect(platform.dsn) as conn:
            row = conn.execute(
                "SELECT environment, current_user::text, current_setting('is_superuser') "
                "FROM ops.instance"
            ).fetchone()
        assert row == ("demo", "bulk_lookup_loader", "off")
        assert open_platform(environ).dsn == platform.dsn
        with connect(platform.dagster_dsn) as conn:
            conn.execute("CREATE TABLE made_by_dagster ()")
    finally:
        platform.stop()
    with pytest.raises(StorageError, match="Cannot connect"):
        connect(platform.dsn)
    assert platform.embedded is not None
    platform.embedded.destroy()


def test_a_dotenv_file_adds_but_never_overrides(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert with_dotenv({"A": "1"}, path) == {"A": "1"}
    path.write_text("# comment\nA=2\nB='three four'\nEMPTY=\n")
    assert with_dotenv({"A": "1"}, path) == {"A": "1", "B": "three four"}


def test_an_unreachable_database_says_where_and_hides_the_password() -> None:
    with pytest.raises(StorageError, match=r"'db' on 127\.0\.0\.1:1") as caught:
        connect("postgresql://someone:hidden-word@127.0.0.1:1/db")
    assert "hidden-word" not in str(caught.value)


def test_an_unreachable_server_is_told_in_our_words(environ: dict[str, str]) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody:hidden-word@127.0.0.1:9/nothing"}
    with pytest.raises(StorageError, match="Cannot connect to") as caught:
        open_platform({**environ, **nowhere})
    assert "DATABASE_URL" in caught.value.fix
    assert "hidden-word" not in str(caught.value)
