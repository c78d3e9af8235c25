"""Whole files in the platform's folder or bucket, behind one address: `BULK_LOOKUP_FILES`.

Belongs here: what can be done with files, doing it in a folder, and what went wrong there, said as
`FilesError`. Does not: buckets (`services.buckets`), what files hold (`intake`,
`services.export_formats`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.errors import ConfigError, FilesError

INBOX, EXPORTS = "inbox", "exports"
_FOLDER, _BUCKET = "file", "s3"


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it lay there; `stamp` changes when its content does."""

    uri: str
    name: str
    stamp: str


class Files(Protocol):
    """A folder or bucket; paths in it are relative to its address, with slashes."""

    def uri(self, path: str) -> str:
        """The address of a file."""

    def shown(self, path: str) -> str:
        """Where a file is, as people write it."""

    def path_of(self, uri: str) -> str | None:
        """The path of the file at an address; None where it lies elsewhere."""

    def listed(self, folder: str) -> list[Found]:
        """The files of a folder, those of its folders not included."""

    def local_copy(self, uri: str) -> AbstractContextManager[Path]:
        """The file on this machine: itself, or a copy of an object for the time needed."""

    def building(self, path: str) -> AbstractContextManager[Path]:
        """A file of this machine to write into; gone afterwards unless it was `put`."""

    def put(self, local: Path, path: str) -> None:
        """Give a finished file its name at once: it is there completely or not at all."""

    def remove(self, path: str) -> bool:
        """Remove a file; says whether it was there."""

    def exists(self, path: str) -> bool:
        """Whether a file is there."""


def open_files(environment: Environment, url: str = "") -> Files:
    """The platform's files, or those at another address."""
    address = url or environment.files_url
    kind, mark, place = address.partition("://")
    if not mark:
        return Folder(Path(address))
    if kind == _FOLDER:
        return Folder(Path(unquote(place)))
    if kind == _BUCKET:
        from bulk_lookup_dagster.services.buckets import Bucket

        return Bucket(environment, place.rstrip("/"))
    raise ConfigError(
        f"Files cannot live at {kind}://.",
        fix="Set BULK_LOOKUP_FILES to a folder as file:///… or a bucket as s3://….",
    )


@contextmanager
def local_copy(environment: Environment, uri: str) -> Iterator[Path]:
    """A file anywhere, on this machine."""
    with open_files(environment, uri.rpartition("/")[0]).local_copy(uri) as path:
        yield path


def part_of(path: Path) -> Path:
    """A hidden name beside `path` for what is not finished; housekeeping knows the shape."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


class Folder:
    """A folder of this machine, or one that is mounted on it."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def uri(self, path: str) -> str:
        """See `Files`."""
        return (self._root / path).as_uri()

    def shown(self, path: str) -> str:
        """See `Files`."""
        return str(self._root / path)

    def path_of(self, uri: str) -> str | None:
        """See `Files`."""
        kind, _, place = uri.partition("://")
        path = Path(unquote(place))
        inside = kind == _FOLDER and path.is_relative_to(self._root)
        return path.relative_to(self._root).as_posix() if inside else None

    def listed(self, folder: str) -> list[Found]:
        """See `Files`; makes the folder, so that somebody can drop a file into it."""
        with _explained():
            place = self._root / folder
            place.mkdir(parents=True, exist_ok=True)
            facts = [(path, path.stat()) for path in place.iterdir() if path.is_file()]
        return [
            Found(path.as_uri(), path.name, f"{fact.st_size}:{fact.st_mtime}")
            for path, fact in facts
        ]

    @contextmanager
    def local_copy(self, uri: str) -> Iterator[Path]:
        """See `Files`."""
        yield Path(unquote(uri.partition("://")[2]))

    @contextmanager
    def building(self, path: str) -> Iterator[Path]:
        """See `Files`."""
        local = part_of(self._root / path)
        with _explained():
            local.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield local
        finally:
            local.unlink(missing_ok=True)

    def put(self, local: Path, path: str) -> None:
        """See `Files`."""
        with _explained():
            local.replace(self._root / path)

    def remove(self, path: str) -> bool:
        """See `Files`."""
        there = self.exists(path)
        with _explained():
            (self._root / path).unlink(missing_ok=True)
        return there

    def exists(self, path: str) -> bool:
        """See `Files`."""
        with _explained():
            return (self._root / path).exists()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FilesError(
            f"The folder of files cannot be used: {error.strerror or type(error).__name__}.",
            fix="Give the platform's user the right to it, or set BULK_LOOKUP_FILES.",
        ) from error
