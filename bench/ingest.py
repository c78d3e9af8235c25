"""Rows per second from a file to a loaded upload, beside bare `phonenumbers`.

`python -m bench.ingest --rows 1000000 --json` writes a file (70 % +1, the rest 12 countries, 6 %
bad, 8 % repeats) and then alternates: the same cells through `phonenumbers` alone (parse,
validate, format; uncached; two processes), and the load into a fresh database until uploads,
contacts, subjects, rejects and batches are committed and add up. `ratio` is the median of the
pairs.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from bench.harness import Process, main, median, own_server
from bulk_lookup_dagster.intake.sample import write_sample
from bulk_lookup_dagster.storage import migrate
from bulk_lookup_dagster.storage.database import connect, with_database
from bulk_lookup_dagster.storage.embedded import SUPERUSER, EmbeddedServer

_PROCESSES = 2


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run every pair and report."""
    with own_server() as server:
        path = server.home / "sample.csv"
        write_sample(path, options.rows)
        pairs = [_pair(server, server.home, path, number) for number in range(options.pairs)]
    loads = [load for _, load in pairs]
    ratios = [round(bare / load["seconds"], 4) for bare, load in pairs]
    return {
        "bench": "ingest",
        "rows": options.rows,
        "ratio": median(ratios),
        "ratios": ratios,
        "rows_per_second": round(median([options.rows / load["seconds"] for load in loads])),
        "baseline_rows_per_second": round(median([options.rows / bare for bare, _ in pairs])),
        "peak_mb": max(load["peak_mb"] for load in loads),
        "adds_up": all(load["adds_up"] and load["rows"] == options.rows for load in loads),
        "contacts": loads[0]["contacts"],
        "rejects": loads[0]["rejects"],
        "batches": loads[0]["batches"],
        "cores": len(os.sched_getaffinity(0)),
    }


def _pair(
    server: EmbeddedServer, home: Path, path: Path, number: int
) -> tuple[float, dict[str, Any]]:
    """Seconds of the baseline, and what the load reports."""
    bare = _baseline(home, path, number)
    name = f"ingest_{number}"
    admin = server.dsn("postgres", SUPERUSER)
    with connect(admin, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    dsn = with_database(admin, name)
    migrate.upgrade(dsn)
    result = Process(
        "bench.ingest_worker", {"role": "load", "dsn": dsn, "path": str(path)}
    ).result()
    with connect(admin, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name}")
    return bare, result


def _baseline(home: Path, path: Path, number: int) -> float:
    """The slower of two processes that start together, each with half of the cells."""
    go = home / f"go-{number}"
    flags = [home / f"ready-{number}-{part}" for part in range(_PROCESSES)]
    workers = [
        Process(
            "bench.ingest_worker",
            {
                "role": "bare",
                "path": str(path),
                "part": part,
                "parts": _PROCESSES,
                "ready": str(flag),
                "go": str(go),
            },
        )
        for part, flag in enumerate(flags)
    ]
    while not all(flag.exists() for flag in flags):
        time.sleep(0.01)
    go.touch()
    return max(float(worker.result()["seconds"]) for worker in workers)


if __name__ == "__main__":
    main(
        measure,
        {"name": "--rows", "type": int, "default": 1_000_000},
        {"name": "--pairs", "type": int, "default": 3},
    )
