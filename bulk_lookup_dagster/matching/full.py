"""The full run: every contact, exported to DuckDB, matched there, results copied back.

Belongs here: the order of it. Does not: the steps (`matching.engine`), runs over new contacts
(`matching.incremental`). One transaction: a run that is killed has changed nothing.
"""

from __future__ import annotations

from typing import Any

import duckdb
import psycopg

from bulk_lookup_dagster.matching import engine, runs
from bulk_lookup_dagster.matching.clusters import Clustering
from bulk_lookup_dagster.matching.lock import alone
from bulk_lookup_dagster.matching.log import record_clusters
from bulk_lookup_dagster.matching.model import Model, band_of
from bulk_lookup_dagster.matching.transfer import (
    OUTDATED,
    RAW_OUT,
    RAW_TYPES,
    fetch,
    send_pairs,
    send_records,
    send_stats,
)

Connection = psycopg.Connection[Any]


def compute(
    conn: Connection, db: duckdb.DuckDBPyConnection, model: Model, *, keep_band: bool
) -> Clustering:
    """Match every contact; writes nothing but, with `keep_band`, the names' frozen frequencies."""
    fetch(conn, db, RAW_OUT, "raw", RAW_TYPES)
    engine.prepare(db)
    db.execute("DROP TABLE raw")
    runs.fetch_overrides(conn, db)
    runs.fetch_standing(conn, db)
    total = engine.number(db, "SELECT count(*) FROM records")
    band = band_of(total)
    known = runs.frozen(conn, db, model, band)
    if known is None and keep_band:
        runs.freeze(conn, db, model, band, total)
        known = total
    return engine.match(db, model, known)


def run_full(conn: Connection, *, actor: str = "system") -> dict[str, int]:
    """Match everything anew and record what changed."""
    with alone(conn), engine.session() as db:
        model = runs.active_model(conn)
        done = compute(conn, db, model, keep_band=True)
        total = engine.number(db, "SELECT count(*) FROM records")
        run = runs.start(conn, "full", model, band_of(total))
        new = _store(conn, db, run)
        runs.send_wanted(conn, db, "SELECT contact_id FROM records", done)
        counts = record_clusters(conn, run_id=run.run_id, model=model.version, actor=actor)
        counts |= {"records": total, "refused_merges": len(done.refused)}
        counts["pairs"] = engine.number(db, "SELECT count(*) FROM pairs WHERE verdict <> 'reject'")
        runs.finish(conn, run, new, counts)
    return counts


def _store(conn: Connection, db: duckdb.DuckDBPyConnection, run: runs.Run) -> int:
    conn.execute("DELETE FROM matching.key_stats")
    conn.execute("DELETE FROM matching.pairs")
    conn.execute(f"DELETE FROM matching.records WHERE {OUTDATED}")
    conn.execute("DELETE FROM matching.stale")
    conn.execute("DELETE FROM matching.stale_keys")
    fetch(conn, db, "SELECT contact_id FROM matching.records", "known", "contact_id BIGINT")
    send_records(conn, db, "contact_id NOT IN (FROM known)")
    send_stats(conn, db, run.run_id)
    send_pairs(conn, db, run.model.version)
    return engine.number(db, "SELECT count(*) FROM records WHERE contact_id NOT IN (FROM known)")
