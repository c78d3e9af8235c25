"""The incremental run: new contacts against all, found by key inside PostgreSQL.

Belongs here: the order of it, and storing what changed. Does not: whom new contacts concern
(`matching.touched`, `matching.reach`); comparing and clustering, which are the full run's own
(`matching.pairs`, `matching.clusters`): the rows concerned are scored in DuckDB, so that both runs
share one scoring query (ADR 0008).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString

import duckdb
import psycopg

from bulk_lookup_dagster.matching import engine, keys, normalise, pairs, reach, runs, touched
from bulk_lookup_dagster.matching.clusters import Clustering, make_clusters
from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.matching.lock import alone
from bulk_lookup_dagster.matching.log import record_clusters
from bulk_lookup_dagster.matching.model import band_of
from bulk_lookup_dagster.matching.transfer import (
    RAW_OUT,
    RAW_TYPES,
    fetch,
    hand,
    send_pairs,
    send_records,
    send_stats,
)
from bulk_lookup_dagster.storage.database import connect_beside

Connection = psycopg.Connection[Any]

_NEW: LiteralString = (
    " AND NOT EXISTS (SELECT FROM matching.records r WHERE r.contact_id = c.contact_id)"
)
# At the start: what is noted again meanwhile waits, and stays noted for the next run.
_TAKE_STALE: LiteralString = "DELETE FROM matching.stale RETURNING contact_id"
_TAKE_STALE_KEYS: LiteralString = "DELETE FROM matching.stale_keys RETURNING key"
_STANDING = "INSERT INTO standing SELECT a, b, levels FROM known_pairs WHERE verdict = 'auto'"
_SAME_PAIR = " AND ".join(
    f"k.{column} = c.{column}"
    for column in ("a", "b", "levels", "score", "verdict", "reason", "found_by")
)
_PAIRS_TO_DROP = f"""
    SELECT a, b FROM known_pairs k WHERE NOT EXISTS (FROM compared c WHERE {_SAME_PAIR})
     ORDER BY a, b
"""
_PAIRS_TO_ADD = f"(FROM compared c WHERE NOT EXISTS (FROM known_pairs k WHERE {_SAME_PAIR}))"
_DROP_PAIRS: LiteralString = """
    DELETE FROM matching.pairs p USING dropped_pairs d
     WHERE p.contact_a = d.contact_a AND p.contact_b = d.contact_b
"""
_CHANGED_STATS = """
    NOT EXISTS (FROM known_stats k
                 WHERE k.key = key_stats.key AND k.record_count = key_stats.record_count
                   AND k.name_count = key_stats.name_count AND k.is_generic = key_stats.is_generic)
"""
_STATS_TO_DROP = f"""
    SELECT key FROM known_stats
     WHERE key IN (SELECT key FROM key_stats WHERE {_CHANGED_STATS})
        OR key NOT IN (SELECT key FROM key_stats)
"""
_DROP_STATS: LiteralString = (
    "DELETE FROM matching.key_stats WHERE key = ANY (ARRAY(SELECT key FROM dropped_stats))"
)


def run_incremental(conn: Connection, *, actor: str = "system") -> dict[str, int]:
    """Match contacts that are new or stale; a full run where they cross the N-band.

    Or where the rules of normalising have changed. Contacts and decisions have to be committed.
    """
    with alone(conn), engine.session() as db:
        model = runs.active_model(conn)
        fetch(conn, db, RAW_OUT + _NEW, "raw", RAW_TYPES)
        new = engine.number(db, "SELECT count(*) FROM raw")
        current, outdated = runs.count_records(conn)
        band = band_of(new + current)
        known = runs.frozen(conn, db, model, band)
        if known is not None and not outdated:
            run = runs.start(conn, "incremental", model, band)
            with _snapshot(conn) as before, ThreadPoolExecutor(1) as writer:
                done = _match(conn, before, db, writer, run, known)
            return _record(conn, db, run, done, new, actor)
    return run_full(conn, actor=actor)


@contextmanager
def _snapshot(conn: Connection) -> Iterator[Connection]:
    """A second connection that sees what was there before the run, however long the run takes."""
    with connect_beside(conn) as before:
        before.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield before
        before.rollback()


def _match(
    conn: Connection,
    before: Connection,
    db: duckdb.DuckDBPyConnection,
    writer: ThreadPoolExecutor,
    run: runs.Run,
    known: int,
) -> Clustering:
    """Reads `before` and computes while `writer` stores through `conn` what is known already."""
    settings_changed = runs.settings_changed(conn)
    fetch(conn, db, _TAKE_STALE, "stale", "contact_id BIGINT")
    fetch(conn, db, _TAKE_STALE_KEYS, "stale_keys", "key BIGINT")
    normalise.normalise(db)
    keys.make_keys(db)
    db.execute("CREATE TABLE added AS SELECT contact_id FROM records")
    sent = writer.submit(send_records, conn, db.cursor(), "contact_id IN (FROM added)")
    touched.fetch_touched(before, db)
    counted = writer.submit(_store_stats, conn, db.cursor(), run)
    touched.make_candidates(before, db)
    keys.make_keys(db, keys.POINTS, "points")
    pairs.make_people(db, run.model, known, "points", "shares")
    pairs.make_pairs(db, run.model, run.band, table="compared")
    if settings_changed:
        db.execute(_STANDING)
    engine.keep_standing(db, "compared")
    stored = writer.submit(_store_pairs, conn, db.cursor(), run)
    reach.fetch_reached(before, db)
    pairs.make_people(db, run.model, known, "points", "shares")
    db.execute("""
        CREATE TABLE pairs AS
        SELECT a, b, score, verdict, reason FROM compared UNION ALL FROM ties
    """)
    done = make_clusters(db, run.model, run.band)
    for writing in (sent, counted, stored):
        writing.result()
    return done


def _store_pairs(conn: Connection, db: duckdb.DuckDBPyConnection, run: runs.Run) -> None:
    """What became of pairs; those that are as they were are not touched."""
    hand(conn, db, _PAIRS_TO_DROP, "dropped_pairs", "contact_a, contact_b")
    conn.execute(_DROP_PAIRS)
    send_pairs(conn, db, run.model.version, _PAIRS_TO_ADD)


def _store_stats(conn: Connection, db: duckdb.DuckDBPyConnection, run: runs.Run) -> None:
    """Statistics of keys that changed, and blocks that are not compared."""
    hand(conn, db, _STATS_TO_DROP, "dropped_stats", "key")
    conn.execute(_DROP_STATS)
    send_stats(conn, db, run.run_id, _CHANGED_STATS)


def _record(
    conn: Connection,
    db: duckdb.DuckDBPyConnection,
    run: runs.Run,
    done: Clustering,
    new: int,
    actor: str,
) -> dict[str, int]:
    """Bring memberships and the log in line with the clusters."""
    runs.send_wanted(conn, db, "SELECT contact_id FROM reached", done)
    counts = record_clusters(conn, run_id=run.run_id, model=run.model.version, actor=actor)
    counts |= {"concerned": engine.number(db, "SELECT count(*) FROM reached")}
    counts |= {"compared": engine.number(db, "SELECT count(*) FROM candidates")}
    runs.finish(conn, run, new, counts)
    return counts
