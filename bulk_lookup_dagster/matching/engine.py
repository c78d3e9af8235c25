"""One run of the engine inside DuckDB: from raw or normalised records to clusters.

Belongs here: the session and the order of steps. Does not: a step's SQL (its own module), where
records come from and results go (`matching.full`, `matching.incremental`).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from bulk_lookup_dagster.matching import clusters, keys, normalise, pairs
from bulk_lookup_dagster.matching.model import Model, band_of

MEMORY_MB = 1_100
"""What DuckDB may use for a million rows; more rows get more, up to half of the machine's memory.

Beyond it, it spills to a temporary folder that goes with the session.
"""


@contextmanager
def session(memory_mb: int = MEMORY_MB) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty DuckDB in memory; tables `overrides` (a, b, must), `standing` (a, b, levels)."""
    with tempfile.TemporaryDirectory(prefix="bl-matching-") as folder:
        db = duckdb.connect(config={
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": folder,
            "preserve_insertion_order": False,
        })  # fmt: skip
        try:
            db.execute("SET enable_progress_bar = false")
            db.execute("CREATE TABLE overrides (a BIGINT, b BIGINT, must BOOLEAN)")
            db.execute("CREATE TABLE standing (a BIGINT, b BIGINT, levels VARCHAR)")
            yield db
        finally:
            db.close()


def number(db: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number a query answers."""
    row = db.execute(query).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def prepare(db: duckdb.DuckDBPyConnection) -> None:
    """From table `raw`: `records`, `keys` and `key_stats`."""
    _allow_memory(db, number(db, "SELECT count(*) FROM raw"))
    normalise.normalise(db)
    keys.make_keys(db)
    keys.make_stats(db)


def _allow_memory(db: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Spilling makes four million rows take seven times as long as one million."""
    wanted = MEMORY_MB * rows // 1_000_000
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**21
    if min(wanted, half) > MEMORY_MB:
        db.execute(f"SET memory_limit = '{min(wanted, half)}MB'")


def match(
    db: duckdb.DuckDBPyConnection, model: Model, frozen_records: int | None = None
) -> clusters.Clustering:
    """From `records`, `keys` and `key_stats`: `pairs` and the clustering.

    `frozen_records` is how many records the frozen table `frequencies` counts; without it, the
    frequencies are counted now.
    """
    total = number(db, "SELECT count(*) FROM records")
    if frozen_records is None:
        pairs.make_frequencies(db)
    keys.make_candidates(db)
    pairs.make_people(db, model, frozen_records or total)
    pairs.make_pairs(db, model, band_of(total))
    keep_standing(db)
    db.execute("DROP TABLE candidates")
    return clusters.make_clusters(db, model, band_of(total))


def keep_standing(db: duckdb.DuckDBPyConnection, table: str = "pairs") -> None:
    """Settings decide about new evidence: what was merged on the same evidence stays merged."""
    db.execute(f"""
        UPDATE {table} SET verdict = 'auto' FROM standing s
         WHERE s.a = {table}.a AND s.b = {table}.b AND s.levels = {table}.levels
           AND {table}.verdict IN ('review', 'reject')
    """)
