"""Seconds to delete an upload beside the seconds to load it, and what is left of it.

`python -m bench.delete --rows 1000000 --json` loads a sample, rehearses its deletion, deletes it.
`left` counts rows that still belong to the upload or hold a value of its people; `ratio` is the
load divided by the deletion. A quarter of the rows is deleted in a run of its own before:
`growth` is the time per row of the whole divided by that of the quarter, so that anything
quadratic shows.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from bench.harness import main, own_server
from bulk_lookup_dagster.intake.sample import write_sample
from bulk_lookup_dagster.services.deletion import delete_uploads
from bulk_lookup_dagster.services.uploads import load_upload
from bulk_lookup_dagster.storage import migrate
from bulk_lookup_dagster.storage.database import connect, with_database
from bulk_lookup_dagster.storage.embedded import SUPERUSER, EmbeddedServer

_LEFT = """
    SELECT (SELECT count(*) FROM intake.contacts) + (SELECT count(*) FROM intake.repeated_rows)
         + (SELECT count(*) FROM intake.rejects)
         + (SELECT count(*) FROM intake.subjects WHERE value IS NOT NULL)
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Delete a quarter, then the whole, each in a database of its own."""
    with own_server() as server:
        part = _once(server, "part", options.rows // 4)
        whole = _once(server, "whole", options.rows)
    return {
        "bench": "delete",
        "rows": options.rows,
        "seconds": round(whole["delete"], 2),
        "load_seconds": round(whole["load"], 2),
        "ratio": round(whole["load"] / whole["delete"], 3),
        "growth": round(whole["delete"] / part["delete"] / 4, 3),
        "left": whole["left"],
        "counts": whole["counts"],
        "same_as_rehearsed": whole["same"],
    }


def _once(server: EmbeddedServer, name: str, rows: int) -> dict[str, Any]:
    admin = server.dsn("postgres", SUPERUSER)
    with connect(admin, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE delete_{name}")
    dsn = with_database(admin, f"delete_{name}")
    migrate.upgrade(dsn)
    path = server.home / f"{name}.csv"
    write_sample(path, rows)
    start = time.perf_counter()
    upload = load_upload(dsn, b"b" * 32, path).upload_id
    loaded = time.perf_counter() - start
    with connect(dsn, autocommit=True) as conn:
        told = delete_uploads(conn, [upload], actor="bench", rehearse=True).counts
        start = time.perf_counter()
        counts = delete_uploads(conn, [upload], actor="bench", rehearse=False).counts
        deleted = time.perf_counter() - start
        left = conn.execute(_LEFT).fetchall()[0][0]
    return {
        "load": loaded,
        "delete": deleted,
        "left": left,
        "counts": dict(counts),
        "same": counts == told,
    }


if __name__ == "__main__":
    main(measure, {"name": "--rows", "type": int, "default": 1_000_000})
