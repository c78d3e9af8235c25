"""Fixtures every test may use: a real PostgreSQL server and a fresh, migrated database.

Belongs here: what most folders need. Does not: fixtures of one folder (its own conftest).
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bulk_lookup_dagster.services.instance import Platform, open_platform
from bulk_lookup_dagster.storage import migrate, roles
from bulk_lookup_dagster.storage.database import connect, with_database
from bulk_lookup_dagster.storage.embedded import SUPERUSER, EmbeddedServer

pytest_plugins = ["tests.fakes.marts"]
_PREFIX = "bl-test-"
_TEMPLATE = "template_migrated"
_FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}


def pytest_configure() -> None:
    """Let a terminated session tear down like an interrupted one, so that servers stop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """One server per test process, of the version in `PG_BIN`; stopped and removed at the end."""
    _remove_abandoned()
    home = Path(tempfile.mkdtemp(prefix=_PREFIX))
    home.chmod(0o711)
    (home / "owner").write_text(str(os.getpid()))
    server = EmbeddedServer(home, pg_bin=os.environ.get("PG_BIN"), settings=_FAST)
    server.start()
    try:
        yield server
    finally:
        server.destroy()
        shutil.rmtree(home)


def _remove_abandoned() -> None:
    """Stop servers whose test process was killed before it could."""
    for owner in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/owner"):
        try:
            os.kill(int(owner.read_text()), 0)
        except ProcessLookupError:
            EmbeddedServer(owner.parent, pg_bin=os.environ.get("PG_BIN")).destroy()
            shutil.rmtree(owner.parent, ignore_errors=True)
        except (OSError, ValueError):
            continue  # another user's, or just being written


@pytest.fixture(scope="session")
def admin_dsn(postgres: EmbeddedServer) -> str:
    """The superuser's address of the maintenance database."""
    return postgres.dsn("postgres", SUPERUSER)


@pytest.fixture(scope="session")
def template(postgres: EmbeddedServer, admin_dsn: str) -> str:
    """Name of a database with all migrations applied, to copy from."""
    passwords = {role: postgres.password(role) for role in roles.ROLES}
    roles.provision_roles(admin_dsn, passwords, {_TEMPLATE: roles.OWNER})
    migrate.upgrade(postgres.dsn(_TEMPLATE, roles.OWNER))
    return _TEMPLATE


@contextmanager
def _fresh_database(admin_dsn: str, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with connect(admin_dsn, autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                *map(sql.Identifier, (name, template, roles.OWNER))
            )
        )
    yield name
    with connect(admin_dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(admin_dsn: str, template: str) -> Iterator[str]:
    """Name of a fresh migrated database, dropped after the test."""
    with _fresh_database(admin_dsn, template) as name:
        yield name


@pytest.fixture
def other_dsn(postgres: EmbeddedServer, admin_dsn: str, template: str) -> Iterator[str]:
    """Address of a second fresh database, for tests that compare two histories."""
    with _fresh_database(admin_dsn, template) as name:
        yield postgres.dsn(name)


@pytest.fixture
def dsn(postgres: EmbeddedServer, database: str) -> str:
    """Address of a fresh migrated database, as the application's role."""
    return postgres.dsn(database)


@pytest.fixture
def owner_dsn(postgres: EmbeddedServer, database: str) -> str:
    """The same database as the role that owns the tables."""
    return postgres.dsn(database, roles.OWNER)


@pytest.fixture
def superuser_dsn(admin_dsn: str, database: str) -> str:
    """The same database as the server's superuser."""
    return with_database(admin_dsn, database)


@pytest.fixture
def conn(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """An open autocommit connection to `dsn`."""
    with connect(dsn, autocommit=True, name="test") as connection:
        yield connection


@pytest.fixture
def platform(postgres: EmbeddedServer, database: str, tmp_path: Path) -> Platform:
    """An open platform in environment demo on a fresh database, its home under `tmp_path`."""
    return open_platform(
        {
            "BULK_LOOKUP_ENV": "demo",
            "BULK_LOOKUP_HOME": str(tmp_path / "home"),
            "DATABASE_URL": postgres.dsn(database),
            "MIGRATION_DATABASE_URL": postgres.dsn(database, roles.OWNER),
            "DAGSTER_DATABASE_URL": postgres.dsn(roles.DAGSTER_DATABASE),
        }
    )
