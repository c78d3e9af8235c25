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

from bulk_lookup_dagster.matching.golden_rules import suited
from bulk_lookup_dagster.matching.golden_sql import STEPS
from bulk_lookup_dagster.matching.lock import lock

Connection = psycopg.Connection[Any]

_TAKE: LiteralString = """
    WITH taken AS (
        DELETE FROM matching.stale_golden_ids
         WHERE %(ids)s::bigint[] IS NULL OR golden_id = ANY (%(ids)s) RETURNING golden_id
    )
    INSERT INTO due (golden_id, contact_count)
    SELECT t.golden_id, count(m.contact_id) FROM taken t
      LEFT JOIN matching.memberships m ON m.golden_id = t.golden_id AND m.ended_at IS NULL
     GROUP BY t.golden_id
"""
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
    """Build stale golden contacts (of those in `only`), in the caller's transaction; how many.

    `sources` are names of sources, the most trusted first. A golden id that has no contacts left
    has no golden contact either.
    """
    lock(conn)
    conn.execute("SET LOCAL work_mem = '256MB'")
    conn.execute("DROP TABLE IF EXISTS due, facts, winners, runners_up, added")
    conn.execute("CREATE TEMP TABLE due (golden_id BIGINT, contact_count INTEGER) ON COMMIT DROP")
    conn.execute(_TAKE, {"ids": None if only is None else list(only)})
    conn.execute("ALTER TABLE due ADD PRIMARY KEY (golden_id)")
    conn.execute("ANALYZE due")
    row = conn.execute(
        "SELECT count(*), count(*) FILTER (WHERE contact_count > 0) FROM due"
    ).fetchone()
    taken, built = row or (0, 0)
    for statement in suited(conn, STEPS, taken):
        conn.execute(statement.encode(), {"sources": list(sources)})
    return int(built)
