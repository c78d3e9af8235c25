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
from itertools import starmap
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.selection import COLUMNS, Condition, Selection
from bulk_lookup_dagster.core.spreadsheet import neutralise, spell
from bulk_lookup_dagster.services.settings import load_settings

Connection = psycopg.Connection[Any]
Row = tuple[Any, ...]
WriteRows = Callable[[Sequence[Row]], None]

PAGE = 2_000
MAX_SHEET_ROWS = 1_048_576
EVERYTHING = Selection()
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
     WHERE r.upload_id = %(upload)s
"""
_SELECTED = "SELECT {} FROM ({}) AS r ({}) WHERE {} ORDER BY row_number LIMIT %(limit)s"
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


def export_upload(
    conn: Connection,
    upload_id: int,
    kind: str,
    path: Path,
    *,
    actor: str,
    selection: Selection = EVERYTHING,
) -> Export:
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
    rows = min(known[0], selection.limit or known[0])
    most = load_settings(conn).exports.max_rows
    if rows > most:
        raise InputError(
            f"Upload {upload_id} has {rows:,} rows; exports.max_rows allows {most:,}.",
            fix="Export fewer with --limit, or change the setting.",
        )
    if kind == "xlsx" and rows >= MAX_SHEET_ROWS:
        raise InputError(
            f"A sheet ends at {MAX_SHEET_ROWS:,} rows, header included; upload {upload_id} has"
            f" {rows:,}.",
            fix="Export csv, tsv or parquet.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    count = 0
    try:
        with writers[kind](building, selection.columns) as write_rows:
            for page in _pages(conn, upload_id, selection):
                write_rows(page)
                count += len(page)
        with conn.transaction():  # no file without its line in the log
            conn.execute(_LOG, (upload_id, kind, path.absolute().as_uri()[:1000], count, actor))
            building.replace(path)
    finally:
        building.unlink(missing_ok=True)
    return Export(path, kind, count)


def saved_filter(conn: Connection, name: str) -> tuple[str, ...]:
    """The conditions saved under a name."""
    saved = load_settings(conn).exports.saved
    if name not in saved:
        known = ", ".join(sorted(saved)) or "none yet"
        raise InputError(
            f"There is no saved filter {name!r}; known: {known}.",
            fix="Save it: bulk-lookup settings set exports.saved.NAME '[\"line_type=mobile\"]'.",
        )
    return saved[name]


def _pages(conn: Connection, upload_id: int, selection: Selection) -> Iterator[list[Row]]:
    query = sql.SQL(_SELECTED).format(
        _names(selection.columns),
        sql.SQL(_ROWS),
        _names(COLUMNS),
        sql.SQL(" AND ").join([sql.SQL("true"), *starmap(_condition, enumerate(selection.where))]),
    )
    values = {f"where_{n}": list(one.values) for n, one in enumerate(selection.where)}
    with conn.transaction(), conn.cursor(name="export") as cursor:
        cursor.execute(query, {"upload": upload_id, "limit": selection.limit, **values})
        while page := cursor.fetchmany(PAGE):
            yield page


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _condition(number: int, condition: Condition) -> sql.Composed:
    found = sql.SQL("coalesce({}::text, '') = ANY ({})").format(
        sql.Identifier(condition.column), sql.Placeholder(f"where_{number}")
    )
    return found if condition.wanted else sql.SQL("NOT {}").format(found)


def _cell(value: Any) -> Any:
    return neutralise(value) if isinstance(value, str) else value


def _sheet_cell(value: Any) -> Any:
    return spell(neutralise(value)) if isinstance(value, str) else value


def _csv(delimiter: str) -> Callable[[Path, Sequence[str]], AbstractContextManager[WriteRows]]:
    @contextmanager
    def opened(path: Path, columns: Sequence[str]) -> Iterator[WriteRows]:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(columns)
            yield lambda rows: writer.writerows([list(map(_cell, row)) for row in rows])

    return opened


@contextmanager
def _xlsx(path: Path, columns: Sequence[str]) -> Iterator[WriteRows]:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ERROR_CODES

    book = Workbook(write_only=True)
    sheet = book.create_sheet("contacts")
    sheet.append(list(columns))

    def cell(value: Any) -> Any:
        value = _sheet_cell(value)
        if value not in ERROR_CODES:
            return value
        text = WriteOnlyCell(sheet, value)
        text.data_type = "s"  # else the library makes an error of the text #N/A
        return text

    def write(rows: Sequence[Row]) -> None:
        for row in rows:
            sheet.append(list(map(cell, row)))

    try:
        yield write
    except BaseException:
        sheet.close()
        raise
    book.save(path)


@contextmanager
def _parquet(path: Path, columns: Sequence[str]) -> Iterator[WriteRows]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"row_number": pa.int64(), "valid": pa.bool_()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in columns])
    with pq.ParquetWriter(path, schema) as writer:

        def write(rows: Sequence[Row]) -> None:
            values = [list(column) for column in zip(*rows, strict=True)]
            writer.write_table(pa.table(dict(zip(columns, values, strict=True)), schema=schema))

        yield write
