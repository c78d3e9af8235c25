"""The latest look-ups: one number a row, masked, newest answer first, from the marts alone.

Belongs here: the statement, its filters and its paging by key. Does not: routes (`web.pages`),
other figures (`web.dashboard`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

LATEST = 20
PAGE = 50
# A page looks at this many numbers at most, whatever is wanted of them; the next page goes on.
WINDOW = 10_000

WORDS: Mapping[str, tuple[str, ...]] = {
    "line": ("mobile", "landline", "voip", "toll_free", "other", "unknown"),
    "validity": ("valid", "invalid", "unknown"),
    "risk": ("low", "medium", "high", "unknown"),
    "kind": ("business", "consumer", "unknown"),
}
_COLUMNS = {
    "line": "line_type_group",
    "validity": "validity",
    "risk": "risk_level",
    "kind": "contact_kind",
}
# Newest first along the index of the table below; numbers several contacts share come once.
_ANSWERED = """
    SELECT contact_id, upload_id, masked_phone, country_code, line_type_group, line_type,
           carrier_name, validity, risk_level, contact_kind, answered_at
      FROM marts.dim_contacts
     WHERE answered_at IS NOT NULL AND is_first_of_number
"""
_NEWEST = f"{_ANSWERED} ORDER BY answered_at DESC, contact_id DESC LIMIT %(limit)s"
# The numbers looked at, those wanted of them, and beside each (or alone) where the looking ended.
_PAGE = f"""
    WITH answered AS MATERIALIZED ({_ANSWERED} {{after}}
         ORDER BY answered_at DESC, contact_id DESC LIMIT %(window)s)
    SELECT wanted.*, edge.*
      FROM (SELECT (SELECT count(*) FROM answered) AS looked, answered_at AS edge_at,
                   contact_id AS edge_id
              FROM answered ORDER BY answered_at, contact_id LIMIT 1) edge
      LEFT JOIN (SELECT * FROM answered WHERE {{conditions}}
                  ORDER BY answered_at DESC, contact_id DESC LIMIT %(limit)s) wanted ON true
     ORDER BY wanted.answered_at DESC, wanted.contact_id DESC
"""
_BUILT = "SELECT to_regclass('marts.dashboard_stats') IS NOT NULL"
_AFTER = "AND (answered_at, contact_id) < (%(answered_at)s, %(contact_id)s)"


@dataclass(frozen=True)
class Key:
    """Where a page goes on: below this answer of this contact."""

    answered_at: datetime
    contact_id: int


@dataclass(frozen=True)
class Lookups:
    """Some look-ups, and the key that continues after them (None: there are no more)."""

    rows: list[dict[str, Any]]
    next_key: Key | None = None
    wanted: Mapping[str, str] = field(default_factory=dict)


def is_built(conn: psycopg.Connection[Any]) -> bool:
    """Whether there are marts to read."""
    return conn.execute(_BUILT).fetchone() == (True,)


def read_latest(conn: psycopg.Connection[Any]) -> Lookups:
    """The newest look-ups of all."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return Lookups(cursor.execute(_NEWEST.encode(), {"limit": LATEST}).fetchall())


def read_lookups(
    conn: psycopg.Connection[Any], wanted: Mapping[str, str], after: Key | None = None
) -> Lookups:
    """Look-ups of the `wanted` words, after a key; may be few when most are of other words."""
    wanted = {name: word for name, word in wanted.items() if word in WORDS[name]}
    conditions = " AND ".join(f"{_COLUMNS[name]} = %({name})s" for name in wanted) or "true"
    query = _PAGE.format(after=_AFTER if after else "", conditions=conditions)
    parameters = {**wanted, **(vars(after) if after else {}), "window": WINDOW, "limit": PAGE + 1}
    with conn.cursor(row_factory=dict_row) as cursor:
        looked = cursor.execute(query.encode(), parameters).fetchall()
    found = [row for row in looked if row["contact_id"] is not None]
    return Lookups(found[:PAGE], _next(looked, found), wanted)


def _next(looked: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> Key | None:
    if len(found) > PAGE:
        return Key(found[PAGE - 1]["answered_at"], found[PAGE - 1]["contact_id"])
    if looked and looked[0]["looked"] == WINDOW:
        return Key(looked[0]["edge_at"], looked[0]["edge_id"])
    return None
