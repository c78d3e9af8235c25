"""`python -m bench.engine`: the whole paid loop against a bare aiohttp loop.

`ratio`: subjects per second from listing what is due to the last commit ÷ requests per second of
the baseline. `cpu_ratio`: client CPU per subject, all threads, ÷ baseline CPU per request, which
means something only where `baseline_rps` is at least 3,500. Pairs are interleaved in one run.
"""

from __future__ import annotations

import argparse
from typing import Any

from bench.harness import Bench, Process, add_plan, add_subjects, bench, main, median


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Interleaved pairs of engine and baseline."""
    ratios: list[float] = []
    cpu_ratios: list[float] = []
    rates: list[float] = []
    memory: list[float] = []
    with bench(options.latency_ms) as setup:
        for _ in range(options.pairs):
            bare = _bare(setup, options)
            ours = _engine(setup, options)
            ratios.append(round(bare["wall"] / ours["wall"], 4))
            cpu_ratios.append(round(ours["cpu"] / bare["cpu"], 4))
            rates.append(options.subjects / bare["wall"])
            memory.append(ours["extra_mb"])
    return {
        "bench": "engine",
        "latency_ms": options.latency_ms,
        "concurrency": options.concurrency,
        "subjects": options.subjects,
        "ratio": median(ratios),
        "ratios": ratios,
        "cpu_ratio": median(cpu_ratios),
        "cpu_ratios": cpu_ratios,
        "baseline_rps": round(min(rates)),
        "peak_extra_mb": round(max(memory), 1),
    }


def _bare(setup: Bench, options: argparse.Namespace) -> dict[str, Any]:
    setup.sandbox.control("DELETE", "log")
    result = Process("bench.bare", vars(options) | {"url": setup.sandbox.url}).result()
    _check_arrivals(setup, options.subjects)
    return result


def _engine(setup: Bench, options: argparse.Namespace) -> dict[str, Any]:
    with setup.fresh_database() as conn:
        add_subjects(conn, options.subjects)
        plan_id = add_plan(conn, cap_micros=10**12)
    setup.sandbox.control("DELETE", "log")
    result = Process(
        "bench.worker",
        {
            "dsn": setup.dsn,
            "home": str(setup.home),
            "url": setup.sandbox.url,
            "plan_id": plan_id,
            "rate": options.rate,
            "concurrency": options.concurrency,
        },
    ).result()
    _check_arrivals(setup, options.subjects)
    return result


def _check_arrivals(setup: Bench, subjects: int) -> None:
    arrived = setup.sandbox.control("GET", "summary")["requests"]
    if arrived != subjects:
        raise SystemExit(f"{arrived} requests arrived at the sandbox instead of {subjects}.")


if __name__ == "__main__":
    main(
        measure,
        {"name": "--latency-ms", "type": float, "default": 100.0},
        {"name": "--concurrency", "type": int, "default": 100},
        {"name": "--subjects", "type": int, "default": 8_000},
        {"name": "--rate", "type": float, "default": 20_000.0},
        {"name": "--pairs", "type": int, "default": 3},
    )
