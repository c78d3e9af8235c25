"""`python -m bench.limiter`: one rate shared by several processes, one of them killed half-way.

`max_ratio`: most arrivals in any sliding second ÷ rate, over 20 s after 2 s of warm-up; `used`:
share of the slots of those 20 s; `max_at_5`: most arrivals in any sliding second at 5 a second.
"""

from __future__ import annotations

import argparse
import time
from bisect import bisect_left
from typing import Any

from bench.harness import Bench, Process, add_plan, add_subjects, bench, main

WARM_UP = 2.0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Both rates, one after the other."""
    with bench(latency_ms=20.0) as setup:
        fast = _arrivals(setup, options.processes, options.rate, options.seconds, kill=True)
        slow = _arrivals(setup, options.processes, 5.0, options.seconds / 2, kill=False)
    return {
        "bench": "limiter",
        "processes": options.processes,
        "rate": options.rate,
        "max_ratio": round(most_in_a_second(fast) / options.rate, 4),
        "used": round(len(fast) / (options.rate * options.seconds), 4),
        "max_at_5": most_in_a_second(slow),
        "used_at_5": round(len(slow) / (5.0 * options.seconds / 2), 4),
    }


def _arrivals(
    setup: Bench, processes: int, rate: float, seconds: float, *, kill: bool
) -> list[float]:
    """When requests arrived within the window, counted at the sandbox."""
    with setup.fresh_database() as conn:
        add_subjects(conn, int(rate * (seconds + WARM_UP) * 1.5) + 100)
        plan_id = add_plan(conn, cap_micros=None)
    setup.sandbox.control("DELETE", "log")
    options = {
        "dsn": setup.dsn,
        "home": str(setup.home),
        "url": setup.sandbox.url,
        "plan_id": plan_id,
        "rate": rate,
        "concurrency": 50,
    }
    running = [Process("bench.worker", options) for _ in range(processes)]
    while not setup.sandbox.control("GET", "summary")["requests"]:
        time.sleep(0.05)
    time.sleep(WARM_UP + seconds / 2)
    if kill:
        running.pop().kill()
    time.sleep(seconds / 2 + 0.5)
    for process in running:
        process.kill()
    times = sorted(entry["at"] for entry in setup.sandbox.control("GET", "log")["entries"])
    begin = times[0] + WARM_UP
    return [at for at in times if begin <= at < begin + seconds]


def most_in_a_second(times: list[float]) -> int:
    """The largest number of arrivals within any window of one second."""
    return max((bisect_left(times, at + 1.0) - index for index, at in enumerate(times)), default=0)


if __name__ == "__main__":
    main(
        measure,
        {"name": "--processes", "type": int, "default": 4},
        {"name": "--rate", "type": float, "default": 500.0},
        {"name": "--seconds", "type": float, "default": 20.0},
    )
