"""A process of its own that matches a Parquet file, so that its time and peak are its own.

Belongs here: one measured pass by the engine or by Splink. Does not: what is compared with what
(`bench.matching`), quality (`bench.matching_scores`).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import duckdb

from bulk_lookup_dagster.matching import engine, pairs
from bulk_lookup_dagster.matching.model import band_of, load_model
from bulk_lookup_dagster.matching.normalise import RAW
from bulk_lookup_dagster.matching.splink_settings import make_input, splink_settings

SEEN = [name for name in RAW if name not in {"house_number", "birth_date", "person_id"}]


def load(db: duckdb.DuckDBPyConnection, path: str) -> None:
    """Table `raw`; the hash of a row is of what it says, not of where it stands."""
    names = {row[0] for row in db.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()}
    shown = ", ".join(name if name in names else f"NULL::VARCHAR AS {name}" for name in RAW)
    said = ", ".join(name for name in RAW if name in names)
    db.execute(
        f"CREATE TABLE raw AS SELECT id AS contact_id,"
        f" md5(concat_ws('|', {said})) AS row_hash, {shown} FROM '{path}'"
    )


def by_engine(options: dict[str, Any]) -> dict[str, Any]:
    """Raw rows to clusters."""
    model = load_model()
    marks: dict[str, float] = {}
    with engine.session() as db:
        start = time.perf_counter()
        load(db, options["path"])
        engine.prepare(db)
        db.execute("DROP TABLE raw")
        marks["prepare_seconds"] = time.perf_counter() - start
        done = engine.match(db, model)
        marks["seconds"] = time.perf_counter() - start
        marks["cpu_seconds"] = time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if out := options.get("out"):
            keep = "SELECT a, b, score, verdict, reason FROM pairs WHERE verdict <> 'reject'"
            db.execute(f"COPY ({keep}) TO '{out}.pairs.parquet'")
            write_clusters(db, done.of, out)
    return {**marks, "peak_mb": peak}


def write_clusters(db: duckdb.DuckDBPyConnection, of: dict[int, int], out: str) -> None:
    """Cluster of every record that has company, as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"id": list(of.keys()), "cluster": list(of.values())})
    pq.write_table(table, f"{out}.clusters.parquet")


def by_splink(options: dict[str, Any]) -> dict[str, Any]:
    """The same rows through Splink with the same levels, keys and saved model.

    Both go from the raw rows of one Parquet file to clusters in memory; neither touches
    PostgreSQL. Both are charged for the same cleaning, keys and statistics (`prepare_seconds`).
    After it the engine finds candidates, scores and guards them, closes and splits components;
    Splink predicts and clusters. Splink's keys are empty where a block is too large to compare, so
    that both score the same candidates; it writes the pairs above the threshold only.
    """
    from splink import DuckDBAPI, Linker

    model = load_model()
    with engine.session(memory_mb=6_000) as db:
        start = time.perf_counter()
        load(db, options["path"])
        engine.prepare(db)
        total = engine.number(db, "SELECT count(*) FROM records")
        pairs.make_frequencies(db)
        pairs.make_people(db, model, total)
        prepared = time.perf_counter() - start
        make_input(db)
        db.execute("DROP TABLE raw")
        api = DuckDBAPI(db)
        linker = Linker(api.register("input"), splink_settings(model, band_of(total)), log_level=40)
        found = linker.inference.predict(threshold_match_weight=model.thresholds.auto)
        linker.clustering.cluster_pairwise_predictions_at_threshold(
            found, threshold_match_weight=model.thresholds.auto
        )
        taken = time.perf_counter() - start
        cpu = time.process_time()
        count = engine.number(db, f"SELECT count(*) FROM {found.physical_name}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": taken,
        "prepare_seconds": prepared,
        "cpu_seconds": cpu,
        "peak_mb": peak,
        "pairs": count,
    }


if __name__ == "__main__":
    asked = json.loads(sys.stdin.readline())
    print(json.dumps((by_splink if asked["engine"] == "splink" else by_engine)(asked)))
