"""Values past their time: they go from the result tables; claim, cost, outcome and hash stay.

How long a value may be kept is decided when it is fetched (`Operation.retention`, after RULES) and
stands in its row as `expires_at`. A row that ran out keeps its key and times, so that one can say
"paid, expired on D", and what its table declares as `KEPT`.

Belongs here: emptying rows. Does not: stored bodies and files (`services.housekeeping`), views that
hide what ran out (`storage.tables.enrichment.columns`, dbt's `unexpired`).
"""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from bulk_lookup_dagster.services.objections import withdraw_objected
from bulk_lookup_dagster.storage.tables import METADATA
from bulk_lookup_dagster.storage.tables.enrichment import KEPT, result_columns

_FORGET_MARKS = (
    "DELETE FROM enrichment.deactivated_numbers WHERE expires_at <= now()",
    "DELETE FROM enrichment.trust_hub_companies WHERE expires_at <= now()",
)


def purge_values(conn: psycopg.Connection[Any]) -> int:
    """Empty every value whose time is over, or that was withdrawn; says how many rows changed."""
    withdraw_objected(conn)
    emptied = sum(conn.execute(_empty(name)).rowcount for name in result_tables())
    return emptied + sum(conn.execute(statement).rowcount for statement in _FORGET_MARKS)


def result_tables() -> list[str]:
    """Every table of answers, as `schema.table`."""
    return sorted(
        table.fullname
        for table in METADATA.tables.values()
        if table.schema == "enrichment" and set(table.columns.keys()) >= _PROVENANCE
    )


def purged_columns(table: str) -> list[str]:
    """The columns of a table of answers that go when a row's time is over."""
    kept = _PROVENANCE | set(KEPT.get(table, ()))
    return [one.name for one in METADATA.tables[table].columns if one.name not in kept]


_PROVENANCE = {one.name for one in result_columns() if isinstance(one, sa.Column)}


def _empty(table: str) -> sql.Composed:
    columns = [sql.Identifier(name) for name in purged_columns(table)]
    nothing = sql.SQL(", ").join(sql.SQL("{} = NULL").format(column) for column in columns)
    return sql.SQL("UPDATE {} SET {} WHERE expires_at <= now() AND num_nonnulls({}) > 0").format(
        sql.Identifier(*table.split(".")), nothing, sql.SQL(", ").join(columns)
    )
