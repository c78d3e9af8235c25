"""The drill: back up half-way, restore elsewhere, and buy nothing a second time."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.commands import Program, local_program
from tests.fakes.sandbox import SandboxProcess, running_sandbox


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def empty(admin_dsn: str) -> Iterator[dict[str, str]]:
    """Two new databases by their owner, dropped after the test."""
    names = {role: f"test_{uuid.uuid4().hex[:12]}" for role in (roles.OWNER, roles.LOADER)}
    with connect(admin_dsn, autocommit=True) as conn:
        for role, name in names.items():
            made = sql.SQL("CREATE DATABASE {} OWNER {}")
            conn.execute(made.format(sql.Identifier(name), sql.Identifier(role)))
    yield names
    with connect(admin_dsn, autocommit=True) as conn:
        for name in names.values():
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def elsewhere(
    postgres: EmbeddedServer, empty: dict[str, str], home: Path, sandbox: SandboxProcess
) -> Program:
    """A program over the empty databases, with a home of its own."""
    return local_program(
        postgres,
        empty[roles.OWNER],
        home,
        sandbox.url,
        DAGSTER_DATABASE_URL=postgres.dsn(empty[roles.LOADER]),
    )


def test_f16_after_a_restore_nothing_is_lost_and_nothing_bought_twice(
    postgres: EmbeddedServer,
    database: str,
    empty: dict[str, str],
    sandbox: SandboxProcess,
    tmp_path: Path,
) -> None:
    home, new_home, folder = tmp_path / "home", tmp_path / "new", tmp_path / "backup"
    program = local_program(postgres, database, home, sandbox.url)
    leads = tmp_path / "leads.csv"
    leads.write_text("phone\n" + "\n".join(f"+1415555{2600 + n}" for n in range(40)))
    upload = str(program("upload", str(leads))["upload_id"])
    plan = str(program("plan", upload)["plan_id"])
    program("approve", plan, "--cap-usd", "0.36")
    half = program("run", "--no-marts", code=3)["paid_calls"]
    assert 0 < half < 40
    program("backup", str(folder))
    assert program("backup", str(folder), code=2)["error"]["fix"]
    held = b"".join(path.read_bytes() for path in folder.iterdir())
    assert (home / "secret.key").read_bytes().strip() not in held

    other = elsewhere(postgres, empty, new_home, sandbox)
    assert "key" in other("restore", str(folder), code=2)["error"]["message"]
    new_home.mkdir(exist_ok=True)
    shutil.copy(home / "secret.key", new_home)
    other("restore", str(folder))
    assert "not empty" in other("restore", str(folder), code=2)["error"]["message"]

    before, after = program("status"), other("status")
    assert (after["claims"], after["uploads"]) == (before["claims"], before["uploads"])
    other("approve", plan, "--cap-usd", "5")
    (waits,) = other("run", "--no-marts", code=3)["waiting"]
    assert "restored from the backup" in waits
    other("resume", "twilio_lookup")
    assert other("run", "--no-marts")["paid_calls"] == 40 - half
    summary = sandbox.control("GET", "summary")
    assert (summary["requests"], summary["paid_twice"]) == (40, 0)
    assert other("export", upload)["rows"] == 40


def test_f60_what_is_no_whole_backup_is_refused_and_nothing_is_touched(
    postgres: EmbeddedServer,
    database: str,
    empty: dict[str, str],
    sandbox: SandboxProcess,
    tmp_path: Path,
) -> None:
    home, folder = tmp_path / "home", tmp_path / "backup"
    program = local_program(postgres, database, home, sandbox.url)
    program("backup", str(folder))
    other = elsewhere(postgres, empty, home, sandbox)
    assert "no backup" in other("restore", str(tmp_path), code=2)["error"]["message"]
    dump = folder / "platform.dump"
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-1])
    assert "damaged" in other("restore", str(folder), code=2)["error"]["message"]
    dump.write_bytes(whole)
    (folder / "manifest.json").write_text("{")
    assert "damaged" in other("restore", str(folder), code=2)["error"]["message"]
    with connect(postgres.dsn(empty[roles.OWNER], roles.OWNER)) as conn:
        tables = conn.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'intake'")
        assert tables.fetchone() == (0,)
