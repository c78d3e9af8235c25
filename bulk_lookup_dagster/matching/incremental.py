"""The incremental run: new contacts against all, found by key inside PostgreSQL.

Belongs here: whom a new contact concerns, and comparing no one else. Does not: comparing and
clustering, which are the full run's own (`matching.pairs`, `matching.clusters`): the rows
concerned are scored in DuckDB, so that both runs share one scoring query (ADR 0008).

Concerned are: new contacts; those noted as stale; and whoever has a key whose flags changed, as a
private number that became shared. Pairs of which one is concerned are made anew, and components
they touch, before or after, are clustered anew. Everything else stays what it was, because
nothing it depends on has changed: prior and frequencies are frozen for the band.
"""

from __future__ import annotations

from typing import Any, LiteralString

import duckdb
import psycopg

from bulk_lookup_dagster.matching import engine, keys, normalise, pairs, runs
from bulk_lookup_dagster.matching.clusters import make_clusters
from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.matching.lock import alone
from bulk_lookup_dagster.matching.log import record_clusters
from bulk_lookup_dagster.matching.model import band_of
from bulk_lookup_dagster.matching.transfer import (
    RAW_OUT,
    RAW_TYPES,
    RECORD_TYPES,
    RECORDS_OUT,
    fetch,
    send_pairs,
    send_records,
)

Connection = psycopg.Connection[Any]

_NEW: LiteralString = (
    " AND NOT EXISTS (SELECT FROM matching.records r WHERE r.contact_id = c.contact_id)"
)
_LIMITS: LiteralString = " ".join(f"WHEN {kind.number} THEN {kind.limit}" for kind in keys.KINDS)
_SIGNATURE: LiteralString = keys.SIGNATURE
_CONCERNED: tuple[LiteralString, ...] = (
    """
    CREATE TEMP TABLE touched ON COMMIT DROP AS
    SELECT DISTINCT k.key, k.kind FROM matching.keys k
      JOIN (SELECT contact_id FROM fresh UNION SELECT contact_id FROM matching.stale) a
        ON a.contact_id = k.contact_id
    """,
    "ANALYZE touched",
    f"""
    CREATE TEMP TABLE counted ON COMMIT DROP AS
    WITH blocks AS (
        SELECT t.key, t.kind, count(*) AS record_count FROM touched t
          JOIN matching.keys k ON k.key = t.key GROUP BY t.key, t.kind
    ), named AS (
        SELECT b.key, count(DISTINCT {_SIGNATURE}) AS name_count
          FROM blocks b JOIN matching.keys k ON k.key = b.key
          JOIN matching.records r ON r.contact_id = k.contact_id
         WHERE b.kind IN (1, 2) AND b.record_count > 1 GROUP BY b.key
    )
    SELECT b.key, b.kind, b.record_count, coalesce(n.name_count, 0) AS name_count,
           coalesce(n.name_count, 0) > 1 AS is_shared,
           b.record_count > CASE b.kind {_LIMITS} END AS is_generic
      FROM blocks b LEFT JOIN named n ON n.key = b.key
    """,
    """
    CREATE TEMP TABLE concerned ON COMMIT DROP AS
    SELECT contact_id FROM fresh UNION SELECT contact_id FROM matching.stale
    UNION
    SELECT k.contact_id
      FROM counted n
      LEFT JOIN matching.key_stats s ON s.key = n.key
      JOIN matching.keys k ON k.key = n.key
     WHERE coalesce(s.is_generic, FALSE) <> n.is_generic
        OR least(greatest(coalesce(s.name_count, 1), 1), 5)
           <> least(greatest(n.name_count, 1), 5)
    """,
    "ANALYZE counted",
    "DELETE FROM matching.stale",
    "DELETE FROM matching.key_stats s USING touched t WHERE s.key = t.key",
    """
    INSERT INTO matching.key_stats (key, kind, record_count, name_count, is_shared, is_generic)
    SELECT key, kind, record_count, name_count, is_shared, is_generic FROM counted
     WHERE record_count > 1
    """,
    "ALTER TABLE concerned ADD PRIMARY KEY (contact_id)",
    "ANALYZE concerned",
    """
    CREATE TEMP TABLE candidates ON COMMIT DROP AS
    SELECT least(k.contact_id, o.contact_id) AS a, greatest(k.contact_id, o.contact_id) AS b,
           bit_or(1 << k.kind) AS found_by
      FROM concerned x
      JOIN matching.keys k ON k.contact_id = x.contact_id
      JOIN matching.key_stats s ON s.key = k.key AND NOT s.is_generic
      JOIN matching.keys o ON o.key = k.key AND o.contact_id <> k.contact_id
     GROUP BY 1, 2
    """,
    # Whoever was, or is, tied to somebody concerned may have to be clustered anew.
    """
    CREATE TEMP TABLE reached ON COMMIT DROP AS
    SELECT contact_id FROM concerned
    UNION SELECT p.contact_b FROM matching.pairs p JOIN concerned x ON x.contact_id = p.contact_a
           WHERE p.verdict = 'auto'
    UNION SELECT p.contact_a FROM matching.pairs p JOIN concerned x ON x.contact_id = p.contact_b
           WHERE p.verdict = 'auto'
    UNION SELECT o.contact_id FROM concerned x
            JOIN matching.memberships m ON m.contact_id = x.contact_id AND m.ended_at IS NULL
            JOIN matching.memberships o ON o.golden_id = m.golden_id AND o.ended_at IS NULL
    """,
    "DELETE FROM matching.pairs p USING concerned x WHERE p.contact_a = x.contact_id",
    "DELETE FROM matching.pairs p USING concerned x WHERE p.contact_b = x.contact_id",
)
_COMPARED: LiteralString = "SELECT a FROM candidates UNION SELECT b FROM candidates"
_REACH: LiteralString = """
    WITH RECURSIVE reach (contact_id) AS (
        SELECT contact_id FROM reached
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
# Nearly everybody reached was compared, and is in DuckDB already.
_REST: LiteralString = "SELECT contact_id FROM reached EXCEPT SELECT contact_id FROM compared"
_WHO: tuple[LiteralString, ...] = (
    "DROP TABLE IF EXISTS who",
    "CREATE TEMP TABLE who (contact_id BIGINT PRIMARY KEY) ON COMMIT DROP",
)
_RECORDS: LiteralString = f"SELECT {RECORDS_OUT} FROM who JOIN matching.records USING (contact_id)"
_SHARES: LiteralString = f"""
    SELECT k.contact_id, k.kind, k.key, s.name_count
      FROM who JOIN matching.keys k ON k.contact_id = who.contact_id
       AND k.kind IN ({keys.PHONE:d}, {keys.EMAIL:d})
      JOIN matching.key_stats s ON s.key = k.key
"""
_TIES: LiteralString = """
    SELECT p.contact_a, p.contact_b, p.score, p.verdict, p.reason FROM matching.pairs p
      JOIN reached r ON r.contact_id = p.contact_a WHERE p.verdict = 'auto'
"""
_TIE_TYPES = "a BIGINT, b BIGINT, score DOUBLE, verdict VARCHAR, reason VARCHAR"
_SHARE_TYPES = "contact_id BIGINT, kind SMALLINT, key BIGINT, name_count INTEGER"


def run_incremental(conn: Connection, *, actor: str = "system") -> dict[str, int]:
    """Match contacts that are new or stale; a full run where they cross the N-band."""
    with alone(conn), engine.session() as db:
        model = runs.active_model(conn)
        fetch(conn, db, RAW_OUT + _NEW, "raw", RAW_TYPES)
        new = engine.number(db, "SELECT count(*) FROM raw")
        band = band_of(new + _count(conn, "SELECT count(*) FROM matching.records"))
        known = runs.frozen(conn, db, model, band)
        if known is not None:
            return _run(conn, db, runs.start(conn, "incremental", model, band), new, known, actor)
    return run_full(conn, actor=actor)


def _run(
    conn: Connection, db: duckdb.DuckDBPyConnection, run: runs.Run, new: int, known: int, actor: str
) -> dict[str, int]:
    _add_records(conn, db)
    runs.fetch_standing(conn, db)
    for statement in _CONCERNED:
        conn.execute(statement)
    _skip(conn, run.run_id)
    fetch(conn, db, "SELECT a, b, found_by FROM candidates", "candidates",
          "a BIGINT, b BIGINT, found_by INTEGER")  # fmt: skip
    for table in ("records", "shares"):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    _fetch_people(conn, db, _COMPARED)
    _make_people(db, run, known)
    pairs.make_pairs(db, run.model, run.band)
    engine.keep_standing(db)
    send_pairs(conn, db, run.model.version)
    conn.execute(_REACH)
    conn.execute("ANALYZE reached")
    conn.execute("ALTER TABLE who RENAME TO compared")
    _fetch_people(conn, db, _REST)
    _make_people(db, run, known)
    runs.fetch_overrides(conn, db)
    db.execute("DELETE FROM overrides WHERE a NOT IN (SELECT contact_id FROM people)"
               " OR b NOT IN (SELECT contact_id FROM people)")  # fmt: skip
    fetch(conn, db, _TIES, "pairs", _TIE_TYPES)
    done = make_clusters(db, run.model, run.band)
    fetch(conn, db, _REACHED, "reached", "contact_id BIGINT")
    runs.send_wanted(conn, db, "SELECT contact_id FROM reached", done)
    counts = record_clusters(conn, run_id=run.run_id, model=run.model.version, actor=actor)
    counts |= {"concerned": _count(conn, "SELECT count(*) FROM concerned")}
    counts |= {"compared": _count(conn, "SELECT count(*) FROM candidates")}
    runs.finish(conn, run, new, counts)
    return counts


def _add_records(conn: Connection, db: duckdb.DuckDBPyConnection) -> None:
    normalise.normalise(db)
    keys.make_keys(db)
    send_records(conn, db)
    conn.execute("CREATE TEMP TABLE fresh (contact_id BIGINT PRIMARY KEY) ON COMMIT DROP")
    ids = db.execute("SELECT contact_id FROM records").fetchall()
    with conn.cursor().copy("COPY fresh FROM STDIN") as copy:
        copy.write("".join(f"{item}\n" for (item,) in ids).encode())
    conn.execute("ANALYZE fresh")


def _fetch_people(conn: Connection, db: duckdb.DuckDBPyConnection, ids: LiteralString) -> None:
    """Add the contacts of a query to `records`, with whom they share phone and e-mail to `shares`.

    Their ids stay in temporary table `who` of PostgreSQL.
    """
    for statement in (*_WHO, "INSERT INTO who " + ids, "ANALYZE who"):
        conn.execute(statement)
    fetched: tuple[tuple[str, LiteralString, str], ...] = (
        ("records", _RECORDS, RECORD_TYPES),
        ("shares", _SHARES, _SHARE_TYPES),
    )
    for table, query, types in fetched:
        fetch(conn, db, query, "fetched", types)
        db.execute(f"CREATE TABLE IF NOT EXISTS {table} AS FROM fetched LIMIT 0")
        db.execute(f"INSERT INTO {table} FROM fetched")


def _make_people(db: duckdb.DuckDBPyConnection, run: runs.Run, known: int) -> None:
    db.execute("CREATE OR REPLACE TABLE keys AS SELECT contact_id, kind, key FROM shares")
    db.execute("CREATE OR REPLACE TABLE key_stats AS SELECT DISTINCT key, name_count FROM shares")
    pairs.make_people(db, run.model, known)


def _skip(conn: Connection, run_id: int) -> None:
    conn.execute(
        "INSERT INTO matching.skipped_blocks (run_id, key, kind, record_count)"
        " SELECT %s, key, kind, record_count FROM counted WHERE is_generic",
        [run_id],
    )


def _count(conn: Connection, query: LiteralString) -> int:
    row = conn.execute(query).fetchone()
    return int(row[0]) if row else 0
