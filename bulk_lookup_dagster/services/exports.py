"""Exports of an upload: its rows with what was looked up, streamed into one finished file.

Cells a spreadsheet would run are neutralised in CSV, TSV and XLSX (exact way back:
`core.spreadsheet.restore`); Parquet keeps values as they are. Only values that may still be kept
leave. Every export is logged.

Belongs here: reading pages and writing formats. Does not: refused rows (`services.reject_files`).
"""

from __future__ import annotations

import csv
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.spreadsheet import neutralise, spell

Connection = psycopg.Connection[Any]
Row = tuple[Any, ...]
WriteRows = Callable[[Sequence[Row]], None]

PAGE = 2_000
MAX_SHEET_ROWS = 1_048_576
COLUMNS = (
    "row_number",
    "phone",
    "raw_phone",
    "region",
    "name",
    "company",
    "email",
    "valid",
    "line_type",
    "carrier_name",
    "caller_name",
    "caller_type",
    "risk_level",
    "looked_up_at",
)
_ROWS = """
    SELECT r.row_number, s.value, c.raw_phone, s.region, c.name, c.company, c.email,
           l.valid, l.line_type, l.carrier_name, l.caller_name, l.caller_type, l.risk_level,
           to_char(l.fetched_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
      FROM intake.upload_contacts r
      JOIN intake.contacts c USING (contact_id)
      JOIN intake.subjects s ON s.subject_id = c.phone_subject_id
      LEFT JOIN LATERAL (
          SELECT bool_and(p.valid) AS valid, max(p.line_type) AS line_type,
                 max(p.carrier_name) AS carrier_name, max(p.caller_name) AS caller_name,
                 max(p.caller_type) AS caller_type, max(p.risk_level) AS risk_level,
                 max(p.fetched_at) AS fetched_at
            FROM enrichment.phone_lookups p
           WHERE p.subject_id = s.subject_id AND (p.expires_at IS NULL OR p.expires_at > now())
      ) l ON true
     WHERE r.upload_id = %s ORDER BY r.row_number
"""
_LOG = """
    INSERT INTO ops.exports (upload_id, format, file_uri, row_count, exported_by)
    VALUES (%s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Export:
    """A finished file."""

    path: Path
    kind: str
    row_count: int


def export_upload(conn: Connection, upload_id: int, kind: str, path: Path, *, actor: str) -> Export:
    """Write an upload's rows to `path`; the file appears only when it is complete."""
    writers = {"csv": _csv(","), "tsv": _csv("\t"), "xlsx": _xlsx, "parquet": _parquet}
    if kind not in writers:
        raise InputError(
            f"There is no export format {kind!r}.", fix=f"One of: {', '.join(writers)}."
        )
    known = conn.execute(
        "SELECT contact_count FROM intake.uploads WHERE upload_id = %s AND state = 'loaded'",
        (upload_id,),
    ).fetchone()
    if known is None:
        raise InputError(
            f"There is no loaded upload {upload_id}.", fix="List them: bulk-lookup status."
        )
    if kind == "xlsx" and known[0] >= MAX_SHEET_ROWS:
        raise InputError(
            f"A sheet ends at {MAX_SHEET_ROWS:,} rows, header included; upload {upload_id} has"
            f" {known[0]:,}.",
            fix="Export csv, tsv or parquet.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    count = 0
    try:
        with writers[kind](building) as write_rows:
            for page in _pages(conn, upload_id):
                write_rows(page)
                count += len(page)
        with conn.transaction():  # no file without its line in the log
            conn.execute(_LOG, (upload_id, kind, path.absolute().as_uri()[:1000], count, actor))
            building.replace(path)
    finally:
        building.unlink(missing_ok=True)
    return Export(path, kind, count)


def _pages(conn: Connection, upload_id: int) -> Iterator[list[Row]]:
    with conn.transaction(), conn.cursor(name="export") as cursor:
        cursor.execute(_ROWS, (upload_id,))
        while page := cursor.fetchmany(PAGE):
            yield page


def _cell(value: Any) -> Any:
    return neutralise(value) if isinstance(value, str) else value


def _sheet_cell(value: Any) -> Any:
    return spell(neutralise(value)) if isinstance(value, str) else value


def _csv(delimiter: str) -> Callable[[Path], AbstractContextManager[WriteRows]]:
    @contextmanager
    def opened(path: Path) -> Iterator[WriteRows]:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(COLUMNS)
            yield lambda rows: writer.writerows([list(map(_cell, row)) for row in rows])

    return opened


@contextmanager
def _xlsx(path: Path) -> Iterator[WriteRows]:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("contacts")
    sheet.append(COLUMNS)

    def write(rows: Sequence[Row]) -> None:
        for row in rows:
            sheet.append([_sheet_cell(value) for value in row])

    try:
        yield write
    except BaseException:
        sheet.close()
        raise
    book.save(path)


@contextmanager
def _parquet(path: Path) -> Iterator[WriteRows]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"row_number": pa.int64(), "valid": pa.bool_()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    with pq.ParquetWriter(path, schema) as writer:

        def write(rows: Sequence[Row]) -> None:
            columns = [list(column) for column in zip(*rows, strict=True)]
            writer.write_table(pa.table(dict(zip(COLUMNS, columns, strict=True)), schema=schema))

        yield write
