"""The page for BI tools: how to connect, and what there is to read.

Belongs here: the marts as the database's own catalog describes them. Does not: their figures
(`web.dashboard`), the address (`services.analyst`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

_MARTS = """
    SELECT c.relname AS name, pg_get_userbyid(c.relowner) AS owner, c.relkind = 'v' AS is_view,
           coalesce(obj_description(c.oid, 'pg_class'), '') AS description,
           (SELECT json_agg(json_build_object(
                       'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                       'description', coalesce(col_description(c.oid, a.attnum), ''))
                   ORDER BY a.attnum)
              FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'marts' AND c.relkind IN ('r', 'v')
       AND NOT starts_with(c.relname, '__') AND c.relname NOT LIKE '%\\_\\_dbt\\_%'
     ORDER BY c.relname
"""
_TYPES = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod)
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
"""
_LIMIT = 100_000
_ALL_CONTACTS = "dim_contacts"
# A mart without rows is as old as the last build.
_ROWS = sql.SQL("""
    SELECT {name} AS name,
           (SELECT count(*) FROM (SELECT 1 FROM {mart} LIMIT {limit}) bounded) AS rows,
           coalesce((SELECT max(as_of) FROM {mart}), (SELECT as_of FROM marts.dashboard_stats))
           AS as_of
""")
# Counting the view of all contacts reads them all; the last build did that already.
_CONTACTS = sql.SQL("SELECT {name} AS name, contacts AS rows, as_of FROM marts.dashboard_stats")


@dataclass(frozen=True)
class Mart:
    """One mart as an analyst meets it."""

    name: str
    owner: str
    is_view: bool
    description: str
    columns: Sequence[Mapping[str, str]]
    rows: int
    is_more: bool
    as_of: datetime | None


def read_marts(conn: psycopg.Connection[Any]) -> list[Mart]:
    """Every mart there is; none before the first build."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_MARTS).fetchall()
        if "dashboard_stats" not in {row["name"] for row in found}:
            return []
        sizes = cursor.execute(sql.SQL(" UNION ALL ").join(map(_size_of, found))).fetchall()
    by_name = {row["name"]: row for row in sizes}
    return [_mart(row, by_name[row["name"]]) for row in found]


def _mart(row: Mapping[str, Any], size: Mapping[str, Any]) -> Mart:
    is_more = row["name"] != _ALL_CONTACTS and size["rows"] >= _LIMIT
    return Mart(**{**row, **size}, is_more=is_more)


def read_types(conn: psycopg.Connection[Any], schema: str, name: str) -> dict[str, str]:
    """The types of a relation's columns; empty before it is built."""
    return dict(conn.execute(_TYPES, [schema, name]).fetchall())


def _size_of(row: Mapping[str, Any]) -> sql.Composed:
    name = sql.Literal(row["name"])
    if row["name"] == _ALL_CONTACTS:
        return _CONTACTS.format(name=name)
    mart = sql.Identifier("marts", row["name"])
    return _ROWS.format(name=name, mart=mart, limit=sql.Literal(_LIMIT))
