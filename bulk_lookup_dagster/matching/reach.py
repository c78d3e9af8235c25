"""How far the components reach that compared pairs may have changed.

Belongs here: whom a run has to cluster anew, and the pairs that tie them. Does not: which pairs
are compared again (`matching.touched`), clustering (`matching.clusters`).

A component changes where a pair in it is compared again, and where a person decided. From both
ends of those, the automatic pairs that stood before the run lead to the rest of the component.
"""

from __future__ import annotations

from typing import Any, LiteralString

import duckdb
import psycopg

from bulk_lookup_dagster.matching import keys, runs
from bulk_lookup_dagster.matching.touched import fetch_records
from bulk_lookup_dagster.matching.transfer import fetch, hand

Connection = psycopg.Connection[Any]

_CHANGED = """
    SELECT contact_id FROM (
        FROM stale UNION SELECT contact_id FROM flips
        UNION SELECT unnest([a, b]) FROM compared WHERE verdict = 'auto'
        UNION SELECT unnest([a, b]) FROM overrides
               WHERE must AND (a IN (FROM fresh) OR b IN (FROM fresh))
    ) ANTI JOIN added USING (contact_id) ORDER BY contact_id
"""
_REACH: LiteralString = """
    WITH RECURSIVE reach (contact_id) AS (
        SELECT contact_id FROM (
            SELECT contact_id FROM reached
             UNION
            SELECT o.contact_id FROM reached x CROSS JOIN LATERAL (
                SELECT golden_id FROM matching.memberships m
                 WHERE m.contact_id = x.contact_id AND m.ended_at IS NULL OFFSET 0) m
              JOIN matching.memberships o ON o.golden_id = m.golden_id AND o.ended_at IS NULL) s
        UNION
        SELECT e.other FROM reach r CROSS JOIN LATERAL (
            SELECT contact_b AS other FROM matching.pairs
             WHERE contact_a = r.contact_id AND verdict = 'auto'
            UNION ALL
            SELECT contact_a FROM matching.pairs
             WHERE contact_b = r.contact_id AND verdict = 'auto'
            UNION ALL
            SELECT CASE contact_a WHEN r.contact_id THEN contact_b ELSE contact_a END
              FROM matching.overrides
             WHERE kind = 'must_link' AND revoked_at IS NULL
               AND r.contact_id IN (contact_a, contact_b)) e
    )
    INSERT INTO reached SELECT contact_id FROM reach
    EXCEPT SELECT contact_id FROM reached
"""
_REACHED: LiteralString = "SELECT contact_id FROM reached"
_TIES: LiteralString = """
    SELECT p.contact_a, p.contact_b, p.score, p.verdict, p.reason FROM matching.pairs p
      JOIN reached r ON r.contact_id = p.contact_a WHERE p.verdict = 'auto'
"""
_TIE_TYPES = "a BIGINT, b BIGINT, score DOUBLE, verdict VARCHAR, reason VARCHAR"
_SHARES: LiteralString = """
    SELECT s.key, s.name_count FROM unknown_shares u JOIN matching.key_stats s ON s.key = u.key
"""


def fetch_reached(conn: Connection, db: duckdb.DuckDBPyConnection) -> None:
    """Table `reached`, whoever is clustered anew; `records` become theirs, `shares` complete.

    Table `ties` has the automatic pairs among them that were not compared again.
    """
    runs.fetch_overrides(conn, db)
    hand(conn, db, _CHANGED, "reached", "contact_id")
    conn.execute(_REACH)
    conn.execute("ANALYZE reached")
    fetch(conn, db, _REACHED, "reached", "contact_id BIGINT")
    db.execute("INSERT INTO reached FROM fresh WHERE contact_id NOT IN (FROM reached)")
    fetch(conn, db, _TIES, "ties", _TIE_TYPES)
    db.execute("DELETE FROM ties WHERE (a, b) IN (SELECT a, b FROM known_pairs)")
    db.execute("DELETE FROM overrides WHERE a NOT IN (FROM reached) OR b NOT IN (FROM reached)")
    fetch_records(conn, db, "FROM reached")
    db.execute("DELETE FROM records WHERE contact_id NOT IN (FROM reached)")
    keys.make_keys(db, keys.POINTS, "points")
    unknown = """
        SELECT key FROM points WHERE key NOT IN (SELECT key FROM shares)
         GROUP BY key HAVING count(*) > 1 ORDER BY key
    """
    hand(conn, db, unknown, "unknown_shares", "key")
    fetch(conn, db, _SHARES, "fetched", "key BIGINT, name_count INTEGER")
    db.execute("INSERT INTO shares FROM fetched")
