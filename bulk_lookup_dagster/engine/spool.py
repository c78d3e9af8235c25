"""The local spool: every answer is on disk before it is in the database.

One write per exchange, into a file only its owner holds (flock). A kill leaves the bytes with the
kernel; the next process on this machine that finds the lock free settles them. Files are cut as
soon as everything in them is committed.

Belongs here: the files. Does not: what a line means (see `engine.settlement`).
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from bulk_lookup_dagster.core.errors import StorageError

_ROTATE_BYTES = 8 * 1024 * 1024
_SUFFIX = ".spool"

DATABASE_IDENTITY = """
    SELECT system_identifier || '-' || d.oid
      FROM pg_control_system(), pg_database d WHERE d.datname = current_database()
"""


def folder(home: Path, database: str, step: str) -> Path:
    """Where a step's answers for one database wait; `database` is what `DATABASE_IDENTITY` selects.

    A step settles its own: only it knows into which table its answers go.
    """
    return home / "spool" / database / step


class _File:
    def __init__(self, folder: Path) -> None:
        hidden = folder / f".{uuid4().hex}"
        self.descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # Locked before it becomes visible, so that nobody takes it for a dead owner's.
        fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.path = folder / f"{hidden.name[1:]}{_SUFFIX}"
        hidden.rename(self.path)
        self.lines = 0
        self.size = 0

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


class Spool:
    """This process's spool. `append` before anything else sees an answer, `committed` after."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._files = deque([_File(self._folder)])

    def append(self, data: bytes, lines: int) -> None:
        """Write whole lines with one call."""
        current = self._files[-1]
        if current.size > _ROTATE_BYTES:
            current = _File(self._folder)
            self._files.append(current)
        written = os.write(current.descriptor, data)
        while written < len(data):
            data = data[written:]
            written = os.write(current.descriptor, data)
        current.lines += lines
        current.size += len(data)

    def committed(self, lines: int) -> None:
        """The oldest `lines` lines are in the database."""
        while lines:
            oldest = self._files[0]
            done = min(lines, oldest.lines)
            oldest.lines -= done
            lines -= done
            if oldest.lines:
                return
            if len(self._files) == 1:
                if oldest.size > _ROTATE_BYTES // 8:
                    os.ftruncate(oldest.descriptor, 0)
                    oldest.size = 0
                if lines:
                    raise StorageError("More lines were committed than were spooled.")
                return
            self._files.popleft().remove()

    def close(self) -> None:
        """Remove what is fully committed; anything else stays for the next process."""
        for file in self._files:
            if file.lines:
                os.close(file.descriptor)
            else:
                file.remove()
        self._files.clear()


class DeadSpool(NamedTuple):
    """A file left by a process that is gone, held until it is settled or given back."""

    path: Path
    lines: list[bytes]


@contextmanager
def _held(path: Path) -> Iterator[int | None]:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield descriptor
    finally:
        os.close(descriptor)


def dead_spools(folder: Path) -> Iterator[DeadSpool]:
    """Every spool whose owner is gone, locked while the caller holds it.

    A last line without its end was being written when the process died; its claim was never
    acknowledged to anybody and is left to recovery. The caller unlinks what it settled.
    """
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        with _held(path) as descriptor:
            if descriptor is None:
                continue
            whole = path.read_bytes().rpartition(b"\n")[0]
            yield DeadSpool(path, [line + b"\n" for line in whole.split(b"\n") if line])
