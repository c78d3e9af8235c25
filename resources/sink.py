"""A file filled from the wire: bounded, and there whole or not at all.

Belongs here: the file. Does not: the exchange that fills it (see `http`).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO


class Sink:
    """A file that is being filled; its name is its own until it is whole."""

    def __init__(self, part: Path, max_bytes: int) -> None:
        self._part = part
        self._file: BinaryIO | None = None
        self._size = 0
        self.max_bytes = max_bytes

    def write(self, chunk: bytes) -> bool:
        """Append; False where the file would grow beyond its limit."""
        self._size += len(chunk)
        if self._size > self.max_bytes:
            return False
        if self._file is None:
            self._file = self._part.open("wb")
        self._file.write(chunk)
        return True

    def publish(self, path: Path) -> None:
        """Give the whole file its name."""
        if self._file is None:
            self._file = self._part.open("wb")
        self._file.close()
        self._part.replace(path)

    def discard(self) -> None:
        """Close, and remove what was not published."""
        if self._file is not None:
            self._file.close()
        self._part.unlink(missing_ok=True)
