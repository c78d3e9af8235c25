"""Exports: contacts of one upload or of all, with what was looked up, in one finished file.

Only values that may still be kept leave. Every export is logged: who, what, where, how many rows.
Over all uploads a contact comes once, where it came first; what is still being loaded stays out.

Belongs here: which rows, streamed; limits; the log. Does not: formats (`services.export_formats`),
where files lie (`services.files`), refused rows (`services.reject_files`), what runs by schedule
(`services.scheduled_exports`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

import psycopg
from psycopg import sql

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.selection import COLUMNS, Condition, Selection
from bulk_lookup_dagster.services.export_formats import WRITERS, Row
from bulk_lookup_dagster.services.files import Files
from bulk_lookup_dagster.services.settings import load_settings

Connection = psycopg.Connection[Any]

PAGE = 2_000
MAX_SHEET_ROWS = 1_048_576
EVERYTHING = Selection()
_ONE_UPLOAD = """
    SELECT upload_id, row_number, contact_id FROM intake.upload_contacts
     WHERE upload_id = %(upload)s
"""
# A contact first met in a file that is not loaded is shown where it came again.
_ALL_UPLOADS = """
    SELECT b.upload_id, c.first_row_number AS row_number, c.contact_id
      FROM intake.contacts c
      JOIN intake.batches b ON b.batch_id = c.first_batch_id
      JOIN intake.uploads u ON u.upload_id = b.upload_id AND u.state = 'loaded'
     UNION ALL
    (SELECT DISTINCT ON (r.contact_id) b.upload_id, r.row_number, r.contact_id
       FROM intake.uploads unfinished
       JOIN intake.batches first ON first.upload_id = unfinished.upload_id
       JOIN intake.contacts c ON c.first_batch_id = first.batch_id
       JOIN intake.repeated_rows r ON r.contact_id = c.contact_id
       JOIN intake.batches b ON b.batch_id = r.batch_id
       JOIN intake.uploads u ON u.upload_id = b.upload_id AND u.state = 'loaded'
      WHERE unfinished.state <> 'loaded'
      ORDER BY r.contact_id, r.batch_id, r.row_number)
"""
_ROWS = """
    SELECT r.row_number, s.value, c.raw_phone, s.region, c.name, c.company, c.email,
           l.valid, l.line_type, l.carrier_name, l.caller_name, l.caller_type, l.risk_level,
           to_char(l.fetched_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), r.upload_id,
           v.line_status, o.owner_type, o.owner_name
      FROM ({}) r
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
      LEFT JOIN LATERAL (
          SELECT b.line_status FROM enrichment.line_statuses_best b
           WHERE b.subject_id = s.subject_id
      ) v ON true
      LEFT JOIN LATERAL (
          SELECT b.owner_type, b.owner_name FROM enrichment.reverse_phones_best b
           WHERE b.subject_id = s.subject_id
      ) o ON true
"""
_SELECTED = """
    SELECT {} FROM ({}) AS r ({}) WHERE {} ORDER BY upload_id, row_number LIMIT %(limit)s
"""
_LOADED = "SELECT 1 FROM intake.uploads WHERE upload_id = %s AND state = 'loaded'"
_COUNT = "SELECT count(*) FROM (SELECT FROM ({}) r LIMIT %(limit)s) few"
_LOG = """
    INSERT INTO ops.exports (upload_id, selection, format, file_uri, row_count, size_bytes,
           exported_by, scheduled)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Export:
    """A finished file."""

    uri: str
    kind: str
    row_count: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants exported; no upload stands for all of them."""

    kind: str
    upload_id: int | None = None
    selection: Selection = EVERYTHING
    scheduled: bool = False


def export_contacts(conn: Connection, wish: Wish, files: Files, path: str, *, actor: str) -> Export:
    """Write the rows to `path` of `files`; the file appears only when it is complete and logged.

    Raises `InputError` where the format or the upload is unknown or there are too many rows.
    """
    most = _most_rows(conn, wish)
    count = 0
    with files.building(path) as local:
        with WRITERS[wish.kind](local, wish.selection.columns) as write_rows:
            for page in _pages(conn, wish, most + 1):
                count += len(page)
                if count > most:
                    raise _too_many(wish.kind, most)
                write_rows(page)
        done = Export(files.uri(path), wish.kind, count, local.stat().st_size)
        with conn.transaction():  # no file without its line in the log
            _log(conn, wish, done, actor)
            files.put(local, path)
    return done


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


def _most_rows(conn: Connection, wish: Wish) -> int:
    """How many rows this export may have; refuses at once what is known to have more."""
    if wish.kind not in WRITERS:
        raise InputError(
            f"There is no export format {wish.kind!r}.", fix=f"One of: {', '.join(WRITERS)}."
        )
    if wish.upload_id is not None and not conn.execute(_LOADED, (wish.upload_id,)).fetchone():
        raise InputError(
            f"There is no loaded upload {wish.upload_id}.", fix="List them: bulk-lookup status."
        )
    most = load_settings(conn).exports.max_rows
    if wish.kind == "xlsx":
        most = min(most, MAX_SHEET_ROWS - 1)
    limit = wish.selection.limit
    if not wish.selection.where and (limit is None or limit > most):
        query = sql.SQL(_COUNT).format(_source(wish))
        values = {"upload": wish.upload_id, "limit": most + 1}
        if conn.execute(query, values).fetchall()[0][0] > most:
            raise _too_many(wish.kind, most)
    return most


def _too_many(kind: str, most: int) -> InputError:
    if kind == "xlsx" and most == MAX_SHEET_ROWS - 1:
        return InputError(
            f"A sheet ends at {MAX_SHEET_ROWS:,} rows, header included; there are more.",
            fix="Export csv, tsv or parquet, or fewer with --limit.",
        )
    return InputError(
        f"There are more rows than exports.max_rows allows: {most:,}.",
        fix="Export fewer with --limit or --where, or change the setting.",
    )


def _pages(conn: Connection, wish: Wish, at_most: int) -> Iterator[list[Row]]:
    selection = wish.selection
    query = sql.SQL(_SELECTED).format(
        _names(selection.columns),
        sql.SQL(_ROWS).format(_source(wish)),
        _names(COLUMNS),
        sql.SQL(" AND ").join([sql.SQL("true"), *starmap(_condition, enumerate(selection.where))]),
    )
    values = {f"where_{n}": list(one.values) for n, one in enumerate(selection.where)}
    limit = min(selection.limit or at_most, at_most)
    with conn.transaction(), conn.cursor(name="export") as cursor:
        cursor.execute(query, {"upload": wish.upload_id, "limit": limit, **values})
        while page := cursor.fetchmany(PAGE):
            yield page


def _log(conn: Connection, wish: Wish, done: Export, actor: str) -> None:
    what = wish.selection.described()[:2_000]
    values = (wish.upload_id, what, done.kind, done.uri[:1_000], done.row_count, done.size_bytes)
    conn.execute(_LOG, (*values, actor, wish.scheduled))


def _source(wish: Wish) -> sql.SQL:
    return sql.SQL(_ALL_UPLOADS if wish.upload_id is None else _ONE_UPLOAD)


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _condition(number: int, condition: Condition) -> sql.Composed:
    found = sql.SQL("coalesce({}::text, '') = ANY ({})").format(
        sql.Identifier(condition.column), sql.Placeholder(f"where_{number}")
    )
    return found if condition.wanted else sql.SQL("NOT {}").format(found)
