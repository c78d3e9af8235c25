"""The Dagster job in processes of its own: two over one batch, one killed with -9, and both."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.engine.worker import LIVE_WORKERS
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.commands import Program, local_program
from tests.fakes.sandbox import SandboxProcess, running_sandbox

ROWS, CONCURRENCY = 300, 5
# A package the vendor refuses for good is `failed` without a time to ask again.
_STATES = """
    SELECT CASE WHEN state = 'failed' AND retry_at IS NULL THEN 'refused' ELSE state END AS state,
           count(*) FROM ledger.claims GROUP BY 1
"""
# What the 80 seconds do that the longest call may take; nobody may touch a claim before.
_CALLS_ARE_OVER = f"""
    UPDATE ledger.claims SET deadline_at = clock_timestamp()
     WHERE state = 'claimed' AND worker_id NOT IN ({LIVE_WORKERS})
"""


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        process.control("PUT", "faults", {"latency_ms": 100})
        yield process


@pytest.fixture
def program(
    postgres: EmbeddedServer, database: str, tmp_path: Path, sandbox: SandboxProcess
) -> Program:
    """One whose upload is approved and waits to be run."""
    program = local_program(postgres, database, tmp_path / "home", sandbox.url)
    leads = tmp_path / "leads.csv"
    leads.write_text("phone\n" + "\n".join(f"+1415555{2000 + n}" for n in range(ROWS)))
    upload = program("upload", str(leads))["upload_id"]
    program("settings", "set", "providers.twilio_lookup.concurrency", str(CONCURRENCY))
    program("approve", str(program("plan", str(upload))["plan_id"]), "--cap-usd", "50")
    return program


def states(conn: psycopg.Connection[Any]) -> dict[str, int]:
    return dict(conn.execute(_STATES).fetchall())


def test_f01_two_processes_over_one_batch_buy_each_answer_once(
    program: Program, sandbox: SandboxProcess, conn: psycopg.Connection[Any]
) -> None:
    running = [program.start("run", "--no-marts") for _ in range(2)]
    reports = [json.loads(process.communicate(timeout=240)[0]) for process in running]
    summary = sandbox.control("GET", "summary")
    assert (summary["requests"], summary["paid_twice"]) == (ROWS, 0)
    assert [report["batches"] for report in reports] == [1, 1]
    assert sum(report["paid_calls"] for report in reports) == ROWS
    found = states(conn)
    assert found["answered"] + found.get("refused", 0) == 2 * ROWS
    # Money in the ledger is money at the vendor.
    spent = conn.execute("SELECT sum(cost_micros)::bigint FROM ledger.requests").fetchone()
    assert spent == (summary["cost_micros"],)
    assert program("run", "--no-marts")["paid_calls"] == 0
    assert sandbox.control("GET", "summary")["requests"] == ROWS


def test_f13_a_killed_run_is_taken_up_and_what_was_in_flight_is_not_bought_again(
    program: Program, sandbox: SandboxProcess, conn: psycopg.Connection[Any]
) -> None:
    running = program.start("run", "--no-marts")
    ends_at = time.monotonic() + 120
    while sandbox.control("GET", "summary")["requests"] < 40:
        assert running.poll() is None
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    running.kill()
    running.communicate(timeout=30)
    assert states(conn)["claimed"] > 0
    conn.execute(_CALLS_ARE_OVER)

    program("run", "--no-marts")
    summary = sandbox.control("GET", "summary")
    # What had not left the process is free to be asked; what had is unknown and stays so.
    assert summary["paid_twice"] == 0
    found = states(conn)
    assert found.keys() <= {"answered", "refused", "unknown_outcome"}
    assert sum(found.values()) == 2 * ROWS
    # Two questions a request; a request may wait with its mark behind each that is under way.
    assert found.get("unknown_outcome", 0) <= 2 * 2 * CONCURRENCY
    open_runs = "SELECT count(*) FROM ledger.runs WHERE finished_at IS NULL"
    assert conn.execute(open_runs).fetchone() == (0,)
    assert program("run", "--no-marts")["paid_calls"] == 0
    assert sandbox.control("GET", "summary")["requests"] == summary["requests"]


def test_f13_of_two_over_one_batch_one_is_killed_and_nothing_is_bought_twice(
    program: Program, sandbox: SandboxProcess, conn: psycopg.Connection[Any]
) -> None:
    killed, survivor = (program.start("run", "--no-marts") for _ in range(2))
    both = "SELECT count(DISTINCT worker_id) FROM ledger.claims"
    ends_at = time.monotonic() + 120
    while conn.execute(both).fetchone() != (2,):
        assert (killed.poll(), survivor.poll()) == (None, None)
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    killed.kill()
    killed.communicate(timeout=30)
    conn.execute(_CALLS_ARE_OVER)
    survivor.communicate(timeout=240)
    assert survivor.returncode == 0, "the other one's death is none of its business"

    program("run", "--no-marts")
    summary = sandbox.control("GET", "summary")
    assert summary["paid_twice"] == 0
    found = states(conn)
    assert found.keys() <= {"answered", "refused", "unknown_outcome"}
    assert sum(found.values()) == 2 * ROWS
    assert found.get("unknown_outcome", 0) <= 2 * 2 * CONCURRENCY
    assert program("run", "--no-marts")["paid_calls"] == 0
    assert sandbox.control("GET", "summary")["requests"] == summary["requests"]
