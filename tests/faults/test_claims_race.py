"""Families F01, F04, F10: several sessions over the same work and the same money."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.engine import budget, due
from bulk_lookup_dagster.engine.claims import ClaimTerms, claim
from bulk_lookup_dagster.engine.provider import Question
from bulk_lookup_dagster.engine.worker import Worker
from bulk_lookup_dagster.storage.database import connect_async
from tests.fakes.engine_run import arun, run
from tests.fakes.ledger import ALL_PHONES, PRICE_LIST, add_plan, add_run, add_subjects, step
from tests.fakes.provider import CALLER_NAME, LINE_TYPE, FakeProvider

Connection = psycopg.Connection[Any]


async def _claim_all(dsn: str, plan_id: int, run_id: int, seed: int, group: int) -> Counter[str]:
    """List what is due once, wait for the others, then claim everything from the stale list."""
    worker = await Worker.register(dsn)
    conn = await connect_async(dsn, autocommit=True)
    won: Counter[str] = Counter()
    try:
        terms = ClaimTerms(
            "twilio_lookup",
            plan_id,
            run_id,
            datetime.now(UTC).date(),
            worker.worker_id,
            timedelta(seconds=30),
        )
        listed = await due.list_due(
            conn,
            step(LINE_TYPE, CALLER_NAME),
            ALL_PHONES,
            providers=["twilio_lookup"],
            price_list=PRICE_LIST,
            plan_id=plan_id,
            refresh_after=None,
            seed=seed,
        )
        last = listed["twilio_lookup"].requests
        after = 0
        while after < last:
            batch = await claim(conn, terms, after=after, subjects=group)
            for request in batch.subjects:
                won.update(f"{q.subject_id} {q.operation}" for q in request.questions)
            if batch.exhausted:
                break
            after = batch.after
    finally:
        await conn.close()
        await worker.close()
    return won


@pytest.mark.parametrize("group", [7, 300])
def test_f01_four_sessions_with_the_same_stale_list_claim_each_question_once(
    dsn: str, conn: Connection, group: int
) -> None:
    add_subjects(conn, 2_000)
    plan = add_plan(conn)
    run_id = add_run(conn, plan)

    async def race() -> list[Counter[str]]:
        setup = await connect_async(dsn, autocommit=True)
        await budget.set_cap(setup, "plan", str(plan), 10**12)
        await setup.close()
        return await asyncio.gather(
            *(_claim_all(dsn, plan, run_id, seed, group) for seed in (1, 1, 2, 3))
        )

    total: Counter[str] = sum(asyncio.run(race()), Counter())
    assert len(total) == 4_000
    assert set(total.values()) == {1}
    claims = conn.execute("SELECT count(*), sum(reserved_micros) FROM ledger.claims").fetchone()
    reserved = conn.execute("SELECT reserved_micros FROM ledger.budgets").fetchone()
    assert claims == (4_000, 36_000_000)
    assert reserved == (36_000_000,)


def test_f01_runs_at_once_over_one_scope_buy_each_answer_once(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 600)
    plan = add_plan(conn)
    provider = FakeProvider(delay=0.005)

    async def both() -> None:
        await asyncio.gather(*(arun(dsn, tmp_path, provider, plan) for _ in range(4)))

    asyncio.run(both())
    assert len(provider.asked) == 600
    assert set(provider.asked.values()) == {1}
    states = conn.execute("SELECT state, count(*) FROM ledger.claims GROUP BY 1").fetchall()
    assert states == [("answered", 600)]


def test_f04_runs_at_once_never_pass_a_cap_and_use_it_up(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 600, regions=("US", "GB", "DE"))
    regional = {"GB": {LINE_TYPE: 23_000}, "DE": {LINE_TYPE: 1_000}}
    plan = add_plan(conn, cap_micros=1_500_000, regional=regional)
    bills: list[int] = []

    def bill(question: Question, nth: int) -> Mapping[str, Any]:
        bills.append(question.max_micros - question.subject_id % 2 * 500)
        return {"cost": bills[-1]}

    provider = FakeProvider(delay=0.003, behave=bill)

    async def four() -> list[Any]:
        return await asyncio.gather(*(arun(dsn, tmp_path, provider, plan) for _ in range(4)))

    reports = asyncio.run(four())
    assert sum(bills) <= 1_500_000
    assert sum(bills) >= 1_500_000 - 23_000
    assert all(report.left_due["cap_reached"] for report in reports)
    spent = conn.execute(
        "SELECT reserved_micros, spent_micros FROM ledger.budgets WHERE scope = 'plan'"
    ).fetchone()
    assert spent == (0, sum(bills))


@pytest.mark.parametrize("cap", ["run_cap_micros", "day_cap_micros"])
def test_f04_run_and_day_caps_hold(dsn: str, conn: Connection, tmp_path: Path, cap: str) -> None:
    add_subjects(conn, 50)
    provider = FakeProvider()
    report = run(dsn, tmp_path, provider, add_plan(conn), **{cap: 80_000})
    assert provider.calls == 10
    assert report.left_due == {"cap_reached": 40}


def test_f04_a_cap_lowered_below_what_is_spent_stops_there(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 5)
    provider = FakeProvider()
    plan = add_plan(conn)
    run(dsn, tmp_path, provider, plan)
    conn.execute("UPDATE ledger.plans SET cap_micros = 8000 WHERE plan_id = %s", (plan,))
    add_subjects(conn, 5)
    assert run(dsn, tmp_path, provider, plan).requests == 0
    row = conn.execute("SELECT cap_micros FROM ledger.budgets WHERE scope = 'plan'").fetchone()
    assert row == (40_000,)


def test_f10_the_ledger_refuses_a_claim_that_skips_its_states(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 1)
    run(dsn, tmp_path, FakeProvider(), add_plan(conn))
    with pytest.raises(psycopg.Error):
        conn.execute("UPDATE ledger.claims SET state = 'failed', outcome = NULL")
    with pytest.raises(psycopg.Error):
        conn.execute("DELETE FROM ledger.claims")
