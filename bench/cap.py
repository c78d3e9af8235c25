"""`python -m bench.cap`: several processes, one cap, prices that differ, more work than money.

`overspent_usd`: what the sandbox billed beyond the cap; `spent_share`: what it billed ÷ the cap.
"""

from __future__ import annotations

import argparse
from typing import Any

from bench.harness import Process, add_plan, add_subjects, bench, main

# Micro-dollars by region; the sandbox bills the same by the number's beginning.
_PRICES = {"US": 8_000, "GB": 23_000, "DE": 1_000, "FR": 41_000}
_PREFIXES = {"US": "+1415", "GB": "+4420", "DE": "+4930", "FR": "+3314"}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run until no process can spend any more, then compare the accounts."""
    cap = int(options.cap_usd * 1_000_000)
    with bench(latency_ms=20.0) as setup:
        with setup.fresh_database() as conn:
            add_subjects(conn, options.subjects, tuple(_PRICES), tuple(_PREFIXES.values()))
            plan_id = add_plan(conn, cap, _PRICES)
        prices = {_PREFIXES[region]: micros for region, micros in _PRICES.items()}
        setup.sandbox.control("PUT", "prices", {"prefixes": prices})
        setup.sandbox.control("DELETE", "log")
        run = {
            "dsn": setup.dsn,
            "home": str(setup.home),
            "url": setup.sandbox.url,
            "plan_id": plan_id,
            "rate": 2_000.0,
            "concurrency": 50,
        }
        running = [Process("bench.worker", run) for _ in range(options.processes)]
        reports = [process.result()["report"] for process in running]
        billed = setup.sandbox.control("GET", "summary")["cost_micros"]
    return {
        "bench": "cap",
        "processes": options.processes,
        "cap_usd": options.cap_usd,
        "billed_usd": billed / 1_000_000,
        "ledger_usd": sum(report["spent_micros"] for report in reports) / 1_000_000,
        "overspent_usd": max(0, billed - cap) / 1_000_000,
        "spent_share": round(billed / cap, 4),
    }


if __name__ == "__main__":
    main(
        measure,
        {"name": "--processes", "type": int, "default": 4},
        {"name": "--subjects", "type": int, "default": 6_000},
        {"name": "--cap-usd", "type": float, "default": 30.0},
    )
