"""The platform's own PostgreSQL server, used when `DATABASE_URL` is not set.

Belongs here: creating, starting and stopping it. Does not: where its programs come from
(`storage.postgres_binaries`), its roles (`storage.roles`), its tables (`storage.migrate`).
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from bulk_lookup_dagster.core.errors import ConfigError, StorageError
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded_settings import SETTINGS
from bulk_lookup_dagster.storage.postgres_binaries import (
    Account,
    account,
    existing_folder,
    find_binaries,
    major_version,
    reachable_home,
)

SUPERUSER = "postgres"
START_SECONDS = 60
_MAX_SOCKET_PATH = 90


class EmbeddedServer:
    """One PostgreSQL server whose data live under `home` and which only loopback can reach."""

    def __init__(
        self, home: Path, *, pg_bin: str | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.home = home.absolute()
        self._pg_bin = pg_bin
        self._settings = {**SETTINGS, **(settings or {})}

    def start(self) -> None:
        """Create the server if need be and start it; does nothing when it already runs."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self._lock():
            if not (self.data / "PG_VERSION").is_file():
                self._create()
            if not self.is_running():
                self._launch()
            if not (self.folder / "provisioned").is_file():
                roles.provision_roles(self.dsn("postgres", SUPERUSER), self._passwords())
                (self.folder / "provisioned").touch()

    def stop(self) -> None:
        """Stop the server by its process id; open transactions are rolled back."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self._lock():
            if self._pid is None:
                return
            done = self._pg_ctl("stop", "-m", "fast", "-w", "-t", str(START_SECONDS))
            if self._pid is not None:
                raise StorageError(
                    "The embedded PostgreSQL did not stop: " + _last_line(done),
                    fix=f"See {self.folder / 'server.log'}.",
                )

    def destroy(self) -> None:
        """Stop the server and remove all of its data; for tests and benchmarks."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        pointer = self.home / "postgres"
        if pointer.is_symlink():
            shutil.rmtree(pointer.readlink(), ignore_errors=True)
            pointer.unlink()

    def is_running(self) -> bool:
        """Whether the server of this data folder answers."""
        if self._pid is None:
            return False
        try:
            connect(self.dsn("postgres", SUPERUSER), name="bulk-lookup probe").close()
        except StorageError:
            return False
        return True

    def dsn(self, database: str, role: str = roles.LOADER) -> str:
        """The address of a database for a role; the application's role by default."""
        return f"postgresql://{role}:{self.password(role)}@127.0.0.1:{self.port}/{database}"

    def password(self, role: str) -> str:
        """The random password of a role."""
        return self._passwords()[role]

    @cached_property
    def folder(self) -> Path:
        """Everything this server owns, named after its major version; an existing one is kept.

        Once a server was created no program is asked any more: a probe that fails on a bad day
        must not turn into a second, empty server.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        existing = existing_folder(self.home)
        if existing is not None:
            return existing
        parent = reachable_home(self.home, self._account)
        return parent / f"postgres-{major_version(self._binaries, self._account)}"

    @property
    def data(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.folder / "data"

    @property
    def port(self) -> int:
        """The loopback port."""
        return int((self.folder / "port").read_text())

    def pid(self) -> int:
        """The server's process id."""
        pid = self._pid
        if pid is None:
            raise StorageError("The embedded PostgreSQL does not run.", fix="Start it first.")
        return pid

    @property
    def _pid(self) -> int | None:
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError, PermissionError, IndexError, ValueError):
            return None
        return pid

    @cached_property
    def _account(self) -> Account:
        return account()

    @cached_property
    def _binaries(self) -> Path:
        existing = existing_folder(self.home)
        found = find_binaries(self._account, self._pg_bin)
        if existing is None:
            return found
        version = major_version(found, self._account)
        if existing.name != f"postgres-{version}":
            raise ConfigError(
                f"The data in {existing} are not of PostgreSQL {version}.",
                fix="Set PG_BIN to the bin folder of the version in the folder's name.",
            )
        return found

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.home / "postgres.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _create(self) -> None:
        user = self._account
        building = self.data.with_suffix(".new")
        shutil.rmtree(building, ignore_errors=True)  # an initdb that was interrupted
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(self.folder, user.uid, user.gid)
        self.folder.chmod(0o700)
        names = (SUPERUSER, *roles.ROLES)
        passwords = {name: secrets.token_urlsafe(24) for name in names}
        self._write("passwords.json", json.dumps(passwords))
        password_file = self._write("superuser", passwords[SUPERUSER])
        command = [str(self._binaries / "initdb"), "-D", str(building), "-U", SUPERUSER]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"]
        command += ["--locale=C.UTF-8", "--data-checksums"]
        command += ["-c", f"scram_iterations={self._settings['scram_iterations']}"]
        done = user.run([*command, *(["--no-sync"] if self._settings["fsync"] == "off" else [])])
        password_file.unlink()
        if done.returncode != 0:
            raise StorageError(
                "The embedded PostgreSQL could not be created: " + _last_line(done.stdout),
                fix=f"Check free space and rights of {self.folder}.",
            )
        with (building / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude '../server.conf'\n")
        building.rename(self.data)

    def _launch(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._write("port", str(self._choose_port()))
            self._write_settings()
            printed = self._pg_ctl("start", "-w", "-t", str(START_SECONDS), "-l", self._log())
            if self.is_running():
                return
            # After a kill -9, shared memory stays busy until the last backend has noticed.
            if time.monotonic() > deadline:
                raise StorageError(
                    "The embedded PostgreSQL did not start: " + _last_line(printed),
                    fix=f"See {self._log()}.",
                )
            time.sleep(0.3)

    def _choose_port(self) -> int:
        last = self.folder / "port"
        wanted = int(last.read_text()) if last.is_file() else 0
        for port in (wanted, 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return int(probe.getsockname()[1])
        raise StorageError("No free loopback port for PostgreSQL.", fix="Close some programs.")

    def _write_settings(self) -> None:
        fits = len(str(self.folder)) < _MAX_SOCKET_PATH
        settings = {
            **self._settings,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder) if fits else "",
        }
        lines = [f"{name} = '{value}'" for name, value in settings.items()]
        self._write("server.conf", "\n".join(lines) + "\n")

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        user = self._account
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        shutil.chown(path, user.uid, user.gid)
        return path

    def _passwords(self) -> dict[str, str]:
        passwords: dict[str, str] = json.loads((self.folder / "passwords.json").read_text())
        return passwords

    def _pg_ctl(self, *arguments: str) -> str:
        command = [str(self._binaries / "pg_ctl"), "-D", str(self.data), "-s", *arguments]
        return self._account.run(command).stdout

    def _log(self) -> str:
        return str(self.folder / "server.log")


def _last_line(text: str) -> str:
    return ([""] + [line for line in text.splitlines() if line.strip()])[-1]
