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
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from bench.contacts import Rates
from bench.harness import main, median, own_server
from bench.matching import generate
from bench.matching_incremental import matched_database
from bulk_lookup_dagster.services.golden import build_contacts, score_contacts
from bulk_lookup_dagster.services.merges import unmerge
from bulk_lookup_dagster.services.review import read_events, read_matches, read_queue
from bulk_lookup_dagster.storage.database import connect

Connection = psycopg.Connection[Any]
_TIMES = 25


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Load, match, then measure what comes after."""
    with tempfile.TemporaryDirectory(prefix="bl-bench-") as name, own_server() as server:
        path = Path(name) / "contacts.parquet"
        generate(path, options.rows, options.seed, Rates())
        dsn = matched_database(server, path, options.rows)
        with connect(dsn, autocommit=True, name="bench") as conn:
            conn.execute("VACUUM ANALYZE")
            found = {"bench": "golden", "rows": options.rows, "seed": options.seed}
            return {**found, **_build(conn), **_decide(conn), **_read(conn)}


def _build(conn: Connection) -> dict[str, Any]:
    start = time.perf_counter()
    built = build_contacts(conn)
    golden = time.perf_counter() - start
    scored = score_contacts(conn)
    whole = time.perf_counter() - start
    conn.execute("VACUUM ANALYZE")
    return {
        "golden_contacts": built,
        "golden_seconds": round(golden, 2),
        "scored": scored,
        "score_seconds": round(whole - golden, 2),
    }


def _decide(conn: Connection) -> dict[str, Any]:
    merged = conn.execute(
        "SELECT max(contact_id) FROM matching.current_members GROUP BY golden_id"
        " HAVING count(*) BETWEEN 2 AND 6 ORDER BY hashint8(golden_id) LIMIT %s",
        [_TIMES],
    ).fetchall()
    spent = [_milliseconds(partial(unmerge, conn, one, actor="bench")) for (one,) in merged]
    return {"unmerge_ms": median(spent), "unmerge_most_ms": max(spent)}


def _read(conn: Connection) -> dict[str, Any]:
    contacts = conn.execute(
        "SELECT contact_a FROM matching.pairs ORDER BY hashint8(contact_a) LIMIT %s", [_TIMES]
    ).fetchall()
    matches = [_milliseconds(partial(read_matches, conn, one)) for (one,) in contacts]
    pages = [_milliseconds(lambda: (read_queue(conn), read_events(conn))) for _ in range(_TIMES)]
    return {"matches_ms": median(matches), "review_page_ms": median(pages)}


def _milliseconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return round((time.perf_counter() - start) * 1000, 2)


if __name__ == "__main__":
    main(
        measure,
        {"name": "--rows", "type": int, "default": 1_000_000},
        {"name": "--seed", "type": int, "default": 7},
    )
