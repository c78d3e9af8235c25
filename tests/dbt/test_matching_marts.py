"""Marts of matching beside the tables they are made of, and the dashboard's counters of them."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from bulk_lookup_dagster.services.golden import build_contacts, run_matching, score_contacts
from bulk_lookup_dagster.services.marts import build_marts
from bulk_lookup_dagster.services.review import read_queue
from tests.fakes.story import platform_of, tell

_GROUPS = """
    SELECT count(*) FILTER (WHERE size > 1) AS duplicate_groups, sum(size) - count(*) AS beyond,
           count(*) AS golden
      FROM (SELECT count(*) AS size FROM matching.current_members m
              JOIN intake.contacts c USING (contact_id)
              JOIN intake.batches b ON b.batch_id = c.first_batch_id AND b.state = 'published'
             GROUP BY golden_id) sizes
"""
_SCORES = """
    SELECT count(*) FILTER (WHERE score >= 80) AS high,
           count(*) FILTER (WHERE score BETWEEN 50 AND 79) AS medium,
           count(*) FILTER (WHERE score < 50) AS low
      FROM matching.quality_scores WHERE golden_id IN (
           SELECT golden_id FROM matching.current_members m
             JOIN intake.contacts c USING (contact_id)
             JOIN intake.batches b ON b.batch_id = c.first_batch_id AND b.state = 'published')
"""

_MORE_PAIRS = """
    WITH published AS (
        SELECT m.* FROM matching.current_members m JOIN intake.contacts c USING (contact_id)
          JOIN intake.batches b ON b.batch_id = c.first_batch_id AND b.state = 'published'
    )
    INSERT INTO matching.pairs
    SELECT a.contact_id, b.contact_id, p.levels, p.score, p.verdict, p.reason, p.found_by,
           p.model_version
      FROM (SELECT * FROM matching.pairs LIMIT 1) p, published a
      JOIN published b ON b.contact_id > a.contact_id AND b.golden_id <> a.golden_id
     LIMIT 3
"""
_WAITING = "SELECT sum(waiting_pair_count)::int FROM marts.mart_duplicates"


def one(conn: psycopg.Connection[Any], query: str) -> dict[str, Any]:
    with conn.cursor(row_factory=dict_row) as cursor:
        (row,) = cursor.execute(query.encode()).fetchall()
        return row


def test_counters_of_duplicates_and_quality_equal_the_tables(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Any
) -> None:
    tell(conn)
    run_matching(conn)
    build_contacts(conn)
    score_contacts(conn)
    # Those of one golden contact wait for nobody all the same.
    conn.execute("UPDATE matching.pairs SET verdict = 'review'")
    conn.execute(_MORE_PAIRS)
    build_marts(platform_of(dsn, tmp_path), unit_tests=True)
    stats = one(conn, "SELECT * FROM marts.dashboard_stats")
    groups, scores = one(conn, _GROUPS), one(conn, _SCORES)
    assert groups["duplicate_groups"] > 0
    assert stats["duplicate_groups"] == groups["duplicate_groups"]
    assert stats["duplicate_contacts"] == groups["beyond"]
    assert scores["high"] + scores["medium"] + scores["low"] == groups["golden"]
    assert {name: stats[f"quality_{name}"] for name in scores} == scores
    (merged,) = conn.execute("SELECT sum(merged_count) FROM marts.mart_duplicates").fetchall()
    assert merged == (groups["beyond"] + groups["duplicate_groups"],)
    assert conn.execute(_WAITING).fetchall() == [(len(read_queue(conn)),)] == [(3,)]
