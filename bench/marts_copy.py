"""What an incremental build is measured against: the same changed rows, copied by plain SQL.

For every incrementally built relation there is a table with its columns and indexes and the rows it
had before the build. What is timed, in one transaction and to its durable end, is the least any
refresh would have to write: rows that are no more or look different are deleted, those that are new
or look different are inserted. Which those are, and how they look, is worked out before and costs
nothing here. Belongs here: the copies. Does not: history, changes and builds (`bench.marts`).
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]
KEYS = {
    "int_contacts": ("contact_id",),
    "int_contact_totals": ("slice",),
    "int_carrier_totals": ("slice", "carrier_name"),
    "int_upload_totals": ("slice", "upload_id"),
    "int_upload_rejects": ("upload_id", "reason"),
    "int_run_lookups": ("run_id",),
    "int_run_requests": ("run_id",),
    "int_question_totals": ("slice", "step", "provider", "position"),
    "int_agreement_totals": ("slice", "step", "provider", "other_provider"),
    "int_expiry_totals": ("slice", "step", "provider", "licence_class"),
    "int_coverage_totals": ("slice", "country_code", "state_code"),
}
_KEEP = (
    "CREATE TABLE copied.{name} (LIKE intermediate.{name} INCLUDING ALL)",
    "INSERT INTO copied.{name} TABLE intermediate.{name}",
    "VACUUM ANALYZE copied.{name}",
)
_FIND = (
    """
    CREATE TABLE gone.{name} AS SELECT a.ctid AS place FROM copied.{name} a
     WHERE NOT EXISTS (SELECT FROM intermediate.{name} b
                        WHERE ({of_a}) = ({of_b}) AND to_jsonb(a) = to_jsonb(b))
    """,
    """
    CREATE TABLE come.{name} AS SELECT a.* FROM intermediate.{name} a
     WHERE NOT EXISTS (SELECT FROM copied.{name} b
                        WHERE ({of_a}) = ({of_b}) AND to_jsonb(a) = to_jsonb(b))
    """,
    "ANALYZE gone.{name}",
)
_COPY = (
    "DELETE FROM copied.{name} USING gone.{name} AS g WHERE copied.{name}.ctid = g.place",
    "INSERT INTO copied.{name} TABLE come.{name}",
)


def keep_rows(conn: Connection) -> None:
    """Before the build: tables like the incremental relations, with the rows they have now."""
    for schema in ("copied", "gone", "come"):
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    _each(conn, _KEEP)


def time_copy(conn: Connection) -> float:
    """After it: seconds of writing what changed."""
    _each(conn, _FIND)
    conn.execute("CHECKPOINT")
    start = time.perf_counter()
    with conn.transaction():
        _each(conn, _COPY)
    return time.perf_counter() - start


def count_changed(conn: Connection) -> int:
    """Rows that came in place of others, or anew, over all relations."""
    statement = " UNION ALL ".join(f"SELECT count(*) FROM come.{name}" for name in KEYS)
    return sum(count for (count,) in conn.execute(statement.encode()).fetchall())


def _each(conn: Connection, templates: tuple[str, ...]) -> None:
    for name, key in KEYS.items():
        columns = {
            f"of_{alias}": sql.SQL(", ").join(sql.Identifier(alias, column) for column in key)
            for alias in "ab"
        }
        for template in templates:
            conn.execute(sql.SQL(template).format(name=sql.Identifier(name), **columns))
