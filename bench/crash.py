"""`python -m bench.crash`: processes killed with -9 at random moments, then PostgreSQL itself.

One of several processes on one scope is killed while the others live; what is left is restarted
until done; another round kills the database server. Counted at the sandbox and in the ledger:
`paid_twice` questions billed more than once, `lost` subjects neither answered, refused, unknown
nor due, `answered_then_unknown` claims whose response had left the sandbox 250 ms before the kill
and that are unknown all the same, `unknown` ≤ `unknown_bound`.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import signal
import time
from typing import Any

import psycopg

from bench.harness import PRICE_LIST, Bench, Process, add_plan, add_subjects, bench, main
from bench.worker import STEP
from bulk_lookup_dagster.engine.due import count_questions
from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.storage.database import connect

_READ_TIMEOUT = 5.0
_SETTLED_MARGIN = 0.25

_STATES = """
    SELECT count(*) FILTER (WHERE c.state = 'answered'),
           count(*) FILTER (WHERE c.state = 'unknown_outcome'),
           count(*) FILTER (WHERE c.state = 'failed' AND c.retry_at IS NULL),
           count(*)
      FROM intake.subjects s LEFT JOIN ledger.claims c USING (subject_id)
"""
_UNKNOWN = """
    SELECT s.value FROM intake.subjects s JOIN ledger.claims c USING (subject_id)
     WHERE c.state = 'unknown_outcome'
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All rounds on one database, then the accounts."""
    chance = random.Random(options.seed)
    with bench(latency_ms=options.latency_ms) as setup:
        with setup.fresh_database() as conn:
            add_subjects(conn, options.subjects)
            plan_id = add_plan(conn, cap_micros=None)
        setup.sandbox.control("DELETE", "log")
        run = {
            "dsn": setup.dsn,
            "home": str(setup.home),
            "url": setup.sandbox.url,
            "plan_id": plan_id,
            "rate": 2_000.0,
            "concurrency": options.concurrency,
            "read_timeout": _READ_TIMEOUT,
            "retry_window": 3,
            "patience": 30,
        }
        kills = [_kill_one(options.processes, run, chance) for _ in range(options.kills)]
        kills.append(_kill_postgres(setup, options.processes, run, chance))
        for _ in range(3):
            _finish(options.processes, run)
        with connect(setup.dsn, autocommit=True) as conn:
            return _accounts(setup, conn, options, kills)


def _start(processes: int, run: dict[str, Any]) -> list[Process]:
    return [Process("bench.worker", run) for _ in range(processes)]


def _kill_one(processes: int, run: dict[str, Any], chance: random.Random) -> float:
    """Kill one of the running processes; the others go on for a while and are then stopped."""
    running = _start(processes, run)
    time.sleep(2.0 + chance.random() * 2.0)
    victim = running.pop(chance.randrange(len(running)))
    killed_at = time.time()
    victim.kill()
    time.sleep(1.0)
    for process in running:
        process.interrupt()
    return killed_at


def _kill_postgres(
    setup: Bench, processes: int, run: dict[str, Any], chance: random.Random
) -> float:
    """Kill the database server under running processes, and start it again."""
    with connect(setup.dsn, autocommit=True) as conn:
        before = _runs(conn)
        running = _start(processes, run)
        while _runs(conn) < before + processes:  # one that finds no database at its start ends
            time.sleep(0.1)
    time.sleep(1.0 + chance.random())
    pid = int((setup.server.data / "postmaster.pid").read_text().split()[0])
    killed_at = time.time()
    os.kill(pid, signal.SIGKILL)
    time.sleep(1.0)
    setup.server.start()
    for process in running:
        process.result()
    return killed_at


def _runs(conn: psycopg.Connection[Any]) -> int:
    """How many runs were ever begun."""
    return int(conn.execute("SELECT count(*) FROM ledger.runs").fetchall()[0][0])


def _finish(processes: int, run: dict[str, Any]) -> None:
    for process in _start(processes, run):
        process.result()


def _accounts(
    setup: Bench,
    conn: psycopg.Connection[Any],
    options: argparse.Namespace,
    kills: list[float],
) -> dict[str, Any]:
    row = conn.execute(_STATES).fetchone()
    assert row is not None
    answered, unknown, refused, total = row
    counts = count_questions(conn, STEP, Scope("all", {}), price_list=PRICE_LIST)
    due = sum(one.count for one in counts if one.due or one.standing == "later")
    unknown_values = {value for (value,) in conn.execute(_UNKNOWN)}
    late = 0
    for entry in setup.sandbox.control("GET", "log")["entries"]:
        if entry["subject"] in unknown_values and entry["sent_at"] is not None:
            kill = min((at for at in kills if at >= entry["at"]), default=math.inf)
            late += entry["sent_at"] + _SETTLED_MARGIN <= kill
    summary = setup.sandbox.control("GET", "summary")
    return {
        "bench": "crash",
        "kills": options.kills,
        "processes": options.processes,
        "concurrency": options.concurrency,
        "subjects": total,
        "paid_twice": summary["paid_twice"],
        "lost": total - answered - refused - unknown - due,
        "refused": refused,
        "due": due,
        "answered": answered,
        "unknown": unknown,
        "unknown_bound": 2 * options.kills * options.concurrency,
        "answered_then_unknown": late,
    }


if __name__ == "__main__":
    main(
        measure,
        {"name": "--kills", "type": int, "default": 3},
        {"name": "--processes", "type": int, "default": 3},
        {"name": "--concurrency", "type": int, "default": 100},
        {"name": "--subjects", "type": int, "default": 40_000},
        {"name": "--latency-ms", "type": float, "default": 100.0},
        {"name": "--seed", "type": int, "default": 20261123},
    )
