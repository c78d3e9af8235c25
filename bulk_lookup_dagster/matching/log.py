"""Clusters become memberships of golden ids, every change an event of the merge log.

Belongs here: the one set-based comparison of what is with what should be. Does not: clustering
(`matching.clusters`), golden contacts.

The oldest golden id among the parts of a cluster survives, the others redirect to it. Where a
golden id falls apart, the part with its oldest membership keeps it. Rows are ended and added,
never changed otherwise.
"""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

Connection = psycopg.Connection[Any]

# `wanted` (contact_id, cluster) holds every contact the run looked at, those alone included.
_STEPS: tuple[LiteralString, ...] = (
    "ANALYZE wanted",
    """
    CREATE TEMP TABLE standing ON COMMIT DROP AS
    SELECT w.contact_id, w.cluster, m.golden_id, m.membership_id
      FROM wanted w
      LEFT JOIN matching.memberships m ON m.contact_id = w.contact_id AND m.ended_at IS NULL
    """,
    # A golden id stays with its oldest membership; a cluster keeps the oldest id that stays.
    """
    CREATE TEMP TABLE kept ON COMMIT DROP AS
    SELECT cluster, min(golden_id) AS golden_id
      FROM (SELECT DISTINCT ON (golden_id) golden_id, cluster FROM standing
             WHERE golden_id IS NOT NULL ORDER BY golden_id, membership_id) s
     GROUP BY cluster
    """,
    """
    CREATE TEMP TABLE minted ON COMMIT DROP AS
    SELECT cluster, nextval('matching.golden_ids_golden_id_seq') AS golden_id
      FROM (SELECT DISTINCT cluster FROM standing WHERE cluster NOT IN (SELECT cluster FROM kept)
             ORDER BY cluster) s
    """,
    "INSERT INTO matching.golden_ids (golden_id) SELECT golden_id FROM minted",
    """
    CREATE TEMP TABLE moves ON COMMIT DROP AS
    SELECT s.contact_id, s.golden_id AS was, s.membership_id, t.golden_id AS becomes, t.is_new
      FROM standing s
      JOIN (SELECT *, FALSE AS is_new FROM kept UNION ALL SELECT *, TRUE FROM minted) t
        ON t.cluster = s.cluster
     WHERE s.golden_id IS DISTINCT FROM t.golden_id
    """,
    "CREATE INDEX ON moves (becomes)",
    "ANALYZE moves",
    # Whoever is new and alone needs no event; every other change is one.
    """
    CREATE TEMP TABLE changes ON COMMIT DROP AS
    SELECT m.becomes AS golden_id, bool_or(m.is_new) AS is_new,
           nextval('matching.events_event_id_seq') AS event_id
      FROM moves m
     GROUP BY m.becomes
    HAVING count(*) > 1 OR count(m.was) > 0 OR NOT bool_or(m.is_new)
    """,
    "ANALYZE changes",
)
_EVENTS: LiteralString = """
    WITH parts AS (
        SELECT c.golden_id AS target, s.golden_id AS part,
               jsonb_agg(s.contact_id ORDER BY s.contact_id) AS contacts
          FROM changes c
          JOIN (SELECT DISTINCT becomes, was FROM moves WHERE was IS NOT NULL
                UNION SELECT golden_id, golden_id FROM changes WHERE NOT is_new) x
            ON x.becomes = c.golden_id
          JOIN standing s ON s.golden_id = x.was
         GROUP BY 1, 2
    ), befores AS (
        SELECT target, jsonb_object_agg(part, contacts) AS before FROM parts GROUP BY target
    ), placed AS (
        SELECT s.contact_id, coalesce(m.becomes, s.golden_id) AS golden_id
          FROM standing s LEFT JOIN moves m ON m.contact_id = s.contact_id
    ), afters AS (
        SELECT golden_id, jsonb_agg(contact_id ORDER BY contact_id) AS contacts
          FROM placed WHERE golden_id IN (SELECT golden_id FROM changes) GROUP BY golden_id
    ), proofs AS (
        SELECT one.golden_id, jsonb_agg(jsonb_build_array(p.contact_a, p.contact_b, p.levels,
                                        p.score) ORDER BY p.score DESC) AS evidence
          FROM matching.pairs p
          JOIN placed one ON one.contact_id = p.contact_a
          JOIN placed two ON two.contact_id = p.contact_b AND two.golden_id = one.golden_id
          JOIN changes c ON c.golden_id = one.golden_id
         WHERE p.verdict = 'auto' GROUP BY one.golden_id
    ), alive AS (SELECT DISTINCT golden_id FROM placed)
    INSERT INTO matching.events (event_id, kind, golden_id, run_id, model_version, before, after,
                                 evidence, actor)
    SELECT c.event_id,
           CASE WHEN c.is_new AND b.before IS NOT NULL THEN 'split'
                WHEN EXISTS (SELECT FROM moves m JOIN alive v ON v.golden_id = m.was
                              WHERE m.becomes = c.golden_id) THEN 'move'
                ELSE 'merge' END,
           c.golden_id, %(run)s, %(model)s, coalesce(b.before, '{}'),
           jsonb_build_object(c.golden_id, a.contacts), coalesce(p.evidence, '[]'), %(actor)s
      FROM changes c
      JOIN afters a ON a.golden_id = c.golden_id
      LEFT JOIN befores b ON b.target = c.golden_id
      LEFT JOIN proofs p ON p.golden_id = c.golden_id
"""
_APPLY: tuple[LiteralString, ...] = (
    """
    UPDATE matching.memberships o SET ended_at = now(), ended_by = c.event_id
      FROM moves m JOIN changes c ON c.golden_id = m.becomes
     WHERE o.membership_id = m.membership_id
    """,
    """
    INSERT INTO matching.memberships (contact_id, golden_id, event_id)
    SELECT m.contact_id, m.becomes, c.event_id
      FROM moves m LEFT JOIN changes c ON c.golden_id = m.becomes ORDER BY m.contact_id
    """,
    """
    UPDATE matching.golden_ids g SET retired_at = now(), redirect_to = r.becomes
      FROM (SELECT was, min(becomes) AS becomes FROM moves WHERE was IS NOT NULL
               AND was NOT IN (SELECT golden_id FROM kept) GROUP BY was) r
     WHERE g.golden_id = r.was
    """,
)

# A refusal is logged once: every later run refuses the same again.
_REFUSALS: LiteralString = """
    INSERT INTO matching.events (kind, run_id, model_version, before, after, evidence, reason,
                                 actor)
    SELECT DISTINCT 'refuse', %(run)s::bigint, %(model)s, '{}'::jsonb, '{}'::jsonb,
           jsonb_build_array(jsonb_build_array(r.a, r.b, p.levels, p.score)),
           'others of the two clusters exclude each other', %(actor)s
      FROM refused r
      LEFT JOIN matching.pairs p ON p.contact_a = r.a AND p.contact_b = r.b
     WHERE NOT EXISTS (SELECT FROM matching.events e
                        WHERE e.kind = 'refuse' AND (e.evidence #>> '{0,0}') = r.a::text
                          AND (e.evidence #>> '{0,1}') = r.b::text)
"""


def record_clusters(conn: Connection, *, run_id: int, model: str, actor: str) -> dict[str, int]:
    """Bring memberships in line with table `wanted`, log `refused`; events of each kind."""
    values = {"run": run_id, "model": model, "actor": actor}
    for statement in _STEPS:
        conn.execute(statement)
    conn.execute(_EVENTS, values)
    for statement in _APPLY:
        conn.execute(statement)
    conn.execute(_REFUSALS, values)
    query = "SELECT kind, count(*) FROM matching.events WHERE run_id = %(run)s GROUP BY kind"
    return dict(conn.execute(query, values).fetchall())
