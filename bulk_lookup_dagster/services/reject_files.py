"""Files of refused rows, to be corrected and handed in again.

Belongs here: writing and reading back such a file. Does not: why rows are refused
(`intake.rows`), other exports (`services.exports`).
"""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.core.spreadsheet import neutralise, restore
from bulk_lookup_dagster.services.uploads import Reject, rejects

HEADER = ("row", "reason", "detail", "original")


def write_rejects(conn: psycopg.Connection[Any], upload_id: int, path: Path) -> int:
    """Write an upload's refused rows as CSV, harmless in a spreadsheet; says how many.

    The file is complete or not there: it gets its name when it is written.
    """
    building = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with building.open("w", encoding="utf-8-sig", newline="") as file:
            count = _write(csv.writer(file), rejects(conn, upload_id))
        building.replace(path)
    finally:
        building.unlink(missing_ok=True)
    return count


def read_rejects(path: Path) -> Iterator[Reject]:
    """What `write_rejects` wrote, exactly."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        next(lines, None)
        for row, *texts in lines:
            yield Reject(int(row), *map(restore, texts))


def _write(writer: Any, refused: Iterator[Reject]) -> int:
    writer.writerow(HEADER)
    count = 0
    for reject in refused:
        texts = (reject.reason, reject.detail, reject.original)
        writer.writerow([reject.row_number, *map(neutralise, texts)])
        count += 1
    return count
