"""Files in an S3-compatible bucket: objects appear whole, are copied to disk, never into memory.

Belongs here: what `services.files` asks for, done with s3fs (an extra), and what a bucket refuses,
said with what to do. Does not: folders, what files hold.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.errors import ConfigError, FilesError
from bulk_lookup_dagster.services.files import Found, part_of

KIND = "s3"
_PART_BYTES = 8 * 1024 * 1024
_PATIENCE = {"connect_timeout": 5, "read_timeout": 20, "retries": {"max_attempts": 1}}
_NETWORK = "Check AWS_ENDPOINT_URL and the way to it, then run this again."
_RIGHTS = (
    "Compare AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN with the bucket's"
    " keys, and give them the right to list, read, write and delete."
)
_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."


class Bucket:
    """A bucket, or what begins with a prefix in it."""

    def __init__(self, environment: Environment, root: str) -> None:
        self._environment = environment
        self._root = root
        self._name = root.partition("/")[0]

    def uri(self, path: str) -> str:
        """See `Files`."""
        return f"{KIND}://{self._root}/{path}"

    def shown(self, path: str) -> str:
        """See `Files`."""
        return self.uri(path)

    def path_of(self, uri: str) -> str | None:
        """See `Files`."""
        start = self.uri("")
        return uri.removeprefix(start) if uri.startswith(start) else None

    def listed(self, folder: str) -> list[Found]:
        """See `Files`; a bucket has no folders, so an empty one is none and no error."""
        with self._explained():
            try:
                entries = self._files.ls(f"{self._root}/{folder}", detail=True, refresh=True)
            except FileNotFoundError as error:
                if _vendor_code(error):
                    raise
                entries = []
        return [
            Found(f"{KIND}://{entry['name']}", entry["name"].rpartition("/")[2], _stamp(entry))
            for entry in entries
            if entry["type"] == "file" and not entry["name"].endswith("/")
        ]

    @contextmanager
    def local_copy(self, uri: str) -> Iterator[Path]:
        """See `Files`; refuses an object that changed while it was copied."""
        place = uri.removeprefix(f"{KIND}://")
        scratch = self._scratch("taken")
        scratch.mkdir(parents=True)
        try:
            local = scratch / PurePosixPath(place).name
            with self._explained():
                before = _stamp(self._files.info(place, refresh=True))
                self._files.get_file(place, str(local))
                after = _stamp(self._files.info(place, refresh=True))
            if before != after:
                raise FilesError(
                    "The object changed while it was copied.",
                    fix="Wait until it is written completely and load it again.",
                    code="file_changed",
                )
            yield local
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    @contextmanager
    def building(self, path: str) -> Iterator[Path]:
        """See `Files`."""
        local = self._scratch(PurePosixPath(path).name)
        local.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield local
        finally:
            local.unlink(missing_ok=True)

    def put(self, local: Path, path: str) -> None:
        """See `Files`; a large object is sent in parts and appears with the last of them."""
        with self._explained():
            self._files.put_file(str(local), f"{self._root}/{path}", chunksize=_PART_BYTES)

    def remove(self, path: str) -> bool:
        """See `Files`."""
        there = self.exists(path)
        with self._explained():
            self._files.rm_file(f"{self._root}/{path}")
        return there

    def exists(self, path: str) -> bool:
        """See `Files`."""
        with self._explained():
            try:
                self._files.info(f"{self._root}/{path}", refresh=True)
            except FileNotFoundError as error:
                if _vendor_code(error) == "NoSuchBucket":
                    raise
                return False
        return True

    def _scratch(self, name: str) -> Path:
        # Not the system's temporary folder: that may be memory.
        return part_of(self._environment.home / "files" / name)

    @cached_property
    def _files(self) -> Any:
        try:
            import s3fs
        except ImportError:
            raise ConfigError(
                "A bucket needs the package s3fs, which is not installed.",
                fix="Install it: .venv/bin/pip install s3fs -c requirements/dev.lock.",
            ) from None
        value = self._environment.credential
        region = value("AWS_REGION") or value("AWS_DEFAULT_REGION")
        return s3fs.S3FileSystem(
            key=value("AWS_ACCESS_KEY_ID") or None,
            secret=value("AWS_SECRET_ACCESS_KEY") or None,
            token=value("AWS_SESSION_TOKEN") or None,
            endpoint_url=value("AWS_ENDPOINT_URL") or None,
            client_kwargs={"region_name": region} if region else {},
            config_kwargs=_PATIENCE,
            max_concurrency=1,  # parts are held in memory, one at a time
            use_listings_cache=False,
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        _ = self._files  # says it first where the extra is missing
        import botocore.exceptions as aws

        try:
            yield
        except (aws.BotoCoreError, aws.ClientError, OSError) as error:
            raise self._named(error) from error

    def _named(self, error: Exception) -> FilesError:
        code = _vendor_code(error)
        known = type(error).__name__
        if code == "NoSuchBucket":
            return FilesError(
                f"There is no bucket {self._name}.",
                fix="Make it, or set BULK_LOOKUP_FILES to one that is there.",
                code="no_bucket",
            )
        if known in ("NoCredentialsError", "PartialCredentialsError"):
            return FilesError(
                f"There are no credentials for the bucket {self._name}.",
                fix=_CREDENTIALS,
                code="no_credentials",
            )
        if isinstance(error, PermissionError):
            return FilesError(
                f"The bucket {self._name} refused: {code or known}.", fix=_RIGHTS, code="refused"
            )
        if isinstance(error, FileNotFoundError):
            return FilesError(
                f"The object is not in the bucket {self._name}.",
                fix="Check its address.",
                code="no_object",
            )
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return FilesError("The disk is full.", fix="Make room in BULK_LOOKUP_HOME.")
        return FilesError(
            f"The bucket {self._name} cannot be used: {code or known}.",
            fix=_NETWORK,
            code="unreachable",
        )


def _vendor_code(error: BaseException) -> str:
    """The code a bucket answered with; empty where it did not answer."""
    response = getattr(error, "response", None) or getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _stamp(entry: Any) -> str:
    return f"{entry['size']}:{entry.get('ETag') or entry.get('LastModified')}"
