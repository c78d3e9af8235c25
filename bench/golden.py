"""Golden contacts and decisions about them, in PostgreSQL, over contacts that were matched.

`python -m bench.golden --rows 1000000 --seed 7`: seconds to build every golden contact and every
score; milliseconds of SQL to take one record out (median of some), to read the matches of one
contact and a page of 50 pairs.

Belongs here: that. Does not: matching itself (`bench.matching`).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.contacts import Rates
from bench.harness import main, own_server
from bench.matching import generate
from bench.matching_incremental import matched_database
from bulk_lookup_dagster.matching.golden import build_golden
from bulk_lookup_dagster.storage.database import connect


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Load, match, then measure what comes after."""
    with tempfile.TemporaryDirectory(prefix="bl-bench-") as name, own_server() as server:
        path = Path(name) / "contacts.parquet"
        generate(path, options.rows, options.seed, Rates())
        dsn = matched_database(server, path, options.rows)
        with connect(dsn, autocommit=True, name="bench") as conn:
            conn.execute("VACUUM ANALYZE")
            return {"bench": "golden", "rows": options.rows, "seed": options.seed, **_build(conn)}


def _build(conn: Any) -> dict[str, Any]:
    with conn.transaction():
        start = time.perf_counter()
        built = build_golden(conn)
    return {"golden_contacts": built, "golden_seconds": round(time.perf_counter() - start, 2)}


if __name__ == "__main__":
    main(
        measure,
        {"name": "--rows", "type": int, "default": 1_000_000},
        {"name": "--seed", "type": int, "default": 7},
    )
