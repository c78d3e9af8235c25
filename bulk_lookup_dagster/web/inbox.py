"""Takes an uploaded file into the inbox folder, where the upload sensor finds it.

Belongs here: size limit, safe name, atomic appearance. Does not: reading the file
(`services.uploads`).
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import PurePath
from typing import BinaryIO

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services.files import INBOX, Files

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
MAX_BYTES = 512 * 1024 * 1024
_BLOCK = 1024 * 1024
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def store(files: Files, file_name: str, content: BinaryIO, limit: int = MAX_BYTES) -> str:
    """Copy `content` into the inbox under a new name and return that name.

    The file appears only when it is complete.
    """
    name = inbox_name(file_name)
    path = f"{INBOX}/{name}"
    with files.building(path) as building:
        with building.open("wb") as target:
            size = 0
            while block := content.read(_BLOCK):
                size += len(block)
                if size > limit:
                    raise too_large(limit)
                target.write(block)
        if size == 0:
            raise InputError("The file is empty.", fix="Choose a file with rows.", code="empty")
        files.put(building, path)
    return name


def inbox_name(file_name: str) -> str:
    """A name of our own: when it came, something random, and what is safe of the given one."""
    given = PurePath(file_name.replace("\\", "/")).name
    stem, suffix = PurePath(given).stem, PurePath(given).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            "This kind of file is not taken.",
            fix=f"Hand in one of: {', '.join(SUFFIXES)}.",
            code="wrong_extension",
        )
    safe = _UNSAFE.sub("-", stem).strip("-.")[:80] or "upload"
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return f"{moment}-{secrets.token_hex(3)}-{safe}{suffix}"


def too_large(limit: int) -> InputError:
    """The error of a file beyond the limit."""
    return InputError(
        f"The file is larger than {limit / 1024 / 1024:,.0f} MiB.",
        fix="Split it, or drop it into the inbox folder, which has no limit.",
        code="too_large",
    )
