"""Folders of one process that disappear with it, or with the next one where it was killed.

Belongs here: making, locking and clearing them. Does not: what is written into them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

_LOCK = ".scratch.lock"


@contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder below `parent` for as long as this is open; leftovers of dead processes go first."""
    with _alone(parent):
        _clear(parent, prefix)
        folder = Path(mkdtemp(dir=parent, prefix=prefix))
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        os.close(held)


def clear_leftovers(parent: Path, prefix: str) -> None:
    """Remove the folders of processes that live no more; the kernel freed their locks."""
    if any(parent.glob(f"{prefix}*")):
        with _alone(parent):
            _clear(parent, prefix)


def _clear(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*"):
        try:
            held = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # its owner just finished
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # its owner lives
            continue
        finally:
            os.close(held)


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """No folder is made, and not yet locked, while another process looks for leftovers."""
    with (parent / _LOCK).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
