"""Golden contacts: the best value of each field, and every channel, of a cluster's contacts.

Belongs here: building those that are stale, in one transaction. Does not: the statements
(`matching.golden_sql`), who belongs together (`matching.log`), scores (`matching.quality`).

Values are derived, never edited: building again from the same contacts gives the same rows, so
that what a merge did is undone by undoing its memberships (F18).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg

from bulk_lookup_dagster.matching import golden_rules
from bulk_lookup_dagster.matching.golden_sql import (
    BUILD_FEW,
    INSERT_ALL,
    PIN_ALL,
    PIN_FEW,
    PREPARE_ALL,
)
from bulk_lookup_dagster.matching.lock import lock

Connection = psycopg.Connection[Any]

_TAKE: LiteralString = "DELETE FROM matching.stale_golden_ids RETURNING golden_id"
_TAKE_SOME: LiteralString = (
    "DELETE FROM matching.stale_golden_ids WHERE golden_id = ANY (%s) RETURNING golden_id"
)
_TAKE_ALL: tuple[LiteralString, ...] = (
    "CREATE TEMP TABLE due (golden_id BIGINT, contact_count INTEGER, contact_id BIGINT)"
    " ON COMMIT DROP",
    f"""
    WITH taken AS ({_TAKE})
    INSERT INTO due (golden_id, contact_count, contact_id)
    SELECT t.golden_id, count(m.contact_id), min(m.contact_id) FROM taken t
      LEFT JOIN matching.memberships m ON m.golden_id = t.golden_id AND m.ended_at IS NULL
     GROUP BY t.golden_id
    """,
    "ANALYZE due",
    "DELETE FROM matching.golden_contacts g USING due d WHERE d.golden_id = g.golden_id",
)
_NOTED: LiteralString = (
    "SELECT count(*) FROM (SELECT FROM matching.stale_golden_ids LIMIT %s) noted"
)
_NEWER: LiteralString = """
    INSERT INTO matching.stale_golden_ids (golden_id)
    WITH batch AS (
        SELECT contact_id, phone_subject_id FROM intake.contacts WHERE first_batch_id = %s
    ), answers AS (
        SELECT b.contact_id, a.fetched_at
          FROM batch b JOIN enrichment.phone_lookups a ON a.subject_id = b.phone_subject_id
         UNION ALL
        SELECT b.contact_id, a.fetched_at
          FROM batch b JOIN enrichment.phone_validations a ON a.subject_id = b.phone_subject_id
         UNION ALL
        SELECT b.contact_id, a.fetched_at
          FROM batch b
          JOIN intake.contact_subjects x ON x.contact_id = b.contact_id AND x.kind = 'email'
          JOIN enrichment.email_verifications a ON a.subject_id = x.subject_id
    )
    SELECT DISTINCT g.golden_id
      FROM answers a
      JOIN matching.memberships m ON m.contact_id = a.contact_id AND m.ended_at IS NULL
      JOIN matching.golden_contacts g ON g.golden_id = m.golden_id AND g.built_at < a.fetched_at
     ORDER BY g.golden_id
        ON CONFLICT (golden_id) DO UPDATE SET golden_id = EXCLUDED.golden_id
"""


def note_answers(conn: Connection, batch_id: int) -> int:
    """Note golden contacts that were built before answers about a batch came; how many."""
    return conn.execute(_NEWER, (batch_id,)).rowcount


def build_golden(
    conn: Connection, sources: Sequence[str] = (), only: Sequence[int] | None = None
) -> int:
    """Build stale golden contacts (of the few in `only`), in the caller's transaction; how many.

    `sources` are names of sources, the most trusted first. A golden id that has no contacts left
    has no golden contact either.
    """
    lock(conn)
    if only is None and _are_many(conn):
        return _build_all(conn, sources)
    return _build_few(conn, sources, only)


def _are_many(conn: Connection) -> bool:
    noted = conn.execute(_NOTED, (golden_rules.FEW + 1,)).fetchone()
    return noted is not None and noted[0] > golden_rules.FEW


def _build_all(conn: Connection, sources: Sequence[str]) -> int:
    values = {"sources": list(sources)}
    conn.execute("SET LOCAL work_mem = '256MB'")
    conn.execute("DROP TABLE IF EXISTS due, facts, winners, chosen, added")
    for taking in _TAKE_ALL:
        conn.execute(taking)
    for statement in PREPARE_ALL:
        conn.execute(statement.encode(), values)
    built = sum(conn.execute(statement.encode(), values).rowcount for statement in INSERT_ALL)
    conn.execute(PIN_ALL.encode())
    return built


def _build_few(conn: Connection, sources: Sequence[str], only: Sequence[int] | None) -> int:
    taking = conn.execute(_TAKE) if only is None else conn.execute(_TAKE_SOME, (list(only),))
    values = {"due": [one for (one,) in taking.fetchall()], "sources": list(sources)}
    conn.execute("DELETE FROM matching.golden_contacts WHERE golden_id = ANY (%(due)s)", values)
    # The joins stand in the right order: to look for a better one took longer than to run.
    conn.execute("SET LOCAL join_collapse_limit = 1")
    built = conn.execute(BUILD_FEW.encode(), values).fetchone()
    conn.execute(PIN_FEW.encode(), values)
    return int(built[0]) if built else 0
