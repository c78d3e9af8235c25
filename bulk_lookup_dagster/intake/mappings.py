"""Column mappings people gave, remembered per shape of headers.

Belongs here: the SQL of that memory. Does not: finding columns by their names (`intake.columns`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from bulk_lookup_dagster.intake.columns import header_digest


def remembered_mapping(
    conn: psycopg.Connection[Any], headers: Sequence[str]
) -> dict[str, str] | None:
    """The mapping somebody gave for these headers before."""
    row = conn.execute(
        "SELECT mapping FROM intake.mappings WHERE header_hash = %s", [header_digest(headers)]
    ).fetchone()
    return None if row is None else row[0]


def remember_mapping(
    conn: psycopg.Connection[Any],
    headers: Sequence[str],
    mapping: Mapping[str, str],
    remembered_by: str,
) -> None:
    """Use `mapping` for later files with these headers too."""
    conn.execute(
        "INSERT INTO intake.mappings (header_hash, headers, mapping, remembered_by)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT (header_hash) DO UPDATE"
        " SET mapping = EXCLUDED.mapping, remembered_by = EXCLUDED.remembered_by,"
        " remembered_at = now()",
        [header_digest(headers), Jsonb(list(headers)), Jsonb(dict(mapping)), remembered_by],
    )
