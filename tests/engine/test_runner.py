"""A run end to end against a vendor in memory and a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import ApprovalNeeded
from bulk_lookup_dagster.engine import writer
from bulk_lookup_dagster.engine.options import ProviderLimits, RunReport
from bulk_lookup_dagster.engine.provider import Question
from bulk_lookup_dagster.engine.settle import settle
from tests.fakes.engine_run import arun, run
from tests.fakes.ledger import add_plan, add_subjects
from tests.fakes.provider import CALLER_NAME, LINE_TYPE, FakeProvider

Connection = psycopg.Connection[Any]


def test_a_run_buys_each_question_once_and_records_it(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 300)
    provider = FakeProvider()
    report = run(dsn, tmp_path, provider, add_plan(conn), LINE_TYPE, CALLER_NAME)
    assert report.answered == {"data": 600}
    assert report.requests == provider.calls == 300
    assert report.complete
    assert set(provider.asked.values()) == {1}
    assert report.spent_micros == 300 * 18_000
    budgets = conn.execute(
        "SELECT scope, reserved_micros, spent_micros FROM ledger.budgets ORDER BY scope"
    ).fetchall()
    assert budgets == [(s, 0, 5_400_000) for s in ("day", "plan", "provider", "run")]
    rows = conn.execute(
        "SELECT count(*), count(*) FILTER (WHERE line_type = 'mobile')"
        " FROM enrichment.phone_lookups"
    ).fetchone()
    assert rows == (600, 600)
    facts = conn.execute("SELECT count(*), sum(claim_count), sum(cost_micros) FROM ledger.requests")
    assert facts.fetchone() == (300, 600, 5_400_000)
    assert not list(tmp_path.rglob("*.spool"))


def test_an_exchange_that_settles_in_parts_and_twice_costs_its_price_once(
    dsn: str, conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups of three cut every second exchange of two; each commit is sent again, as after
    an acknowledgement that was lost."""

    async def twice(*given: Any) -> Any:
        done = await settle(*given)
        assert (await settle(*given))[0] == []
        return done

    monkeypatch.setattr(writer, "GROUP", 3)
    monkeypatch.setattr(writer, "settle", twice)
    add_subjects(conn, 30)
    run(dsn, tmp_path, FakeProvider(), add_plan(conn), LINE_TYPE, CALLER_NAME)
    facts = conn.execute(
        "SELECT claim_count, cost_micros, count(*) FROM ledger.requests GROUP BY 1, 2"
    )
    assert facts.fetchall() == [(2, 18_000, 30)]
    assert conn.execute("SELECT sum(cost_micros) FROM ledger.claims").fetchone() == (540_000,)


def test_f02_a_second_run_makes_no_calls(dsn: str, conn: Connection, tmp_path: Path) -> None:
    add_subjects(conn, 50)
    provider = FakeProvider()
    plan = add_plan(conn)
    run(dsn, tmp_path, provider, plan)
    again = run(dsn, tmp_path, provider, plan)
    assert (again.requests, provider.calls) == (0, 50)


def test_an_unapproved_plan_buys_nothing(dsn: str, conn: Connection, tmp_path: Path) -> None:
    add_subjects(conn, 5)
    provider = FakeProvider()
    with pytest.raises(ApprovalNeeded):
        run(dsn, tmp_path, provider, add_plan(conn, state="waiting_approval"))
    assert provider.calls == 0


def test_a_run_that_raises_or_is_cancelled_is_over_in_the_ledger(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 5)
    plan = add_plan(conn)

    def refuse(_report: RunReport) -> None:
        raise ValueError("the caller's own error")

    with pytest.raises(ValueError, match="own error"):
        run(dsn, tmp_path, FakeProvider(), plan, progress=refuse)

    async def cancelled() -> None:
        provider = FakeProvider(delay=60)
        running = asyncio.create_task(arun(dsn, tmp_path, provider, plan, CALLER_NAME))
        await provider.busy.wait()
        running.cancel()
        await running

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    ended = conn.execute(
        "SELECT summary ->> 'error', finished_at IS NOT NULL FROM ledger.runs ORDER BY run_id"
    )
    assert ended.fetchall() == [("ValueError", True), ("CancelledError", True)]


def test_a_fault_in_a_client_ends_the_run_and_what_was_on_the_wire_counts(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    """Each sender meets the fault at most once; nobody is left waiting for senders that died."""
    add_subjects(conn, 300)

    def behave(question: Question, nth: int) -> Mapping[str, Any] | None:
        raise ZeroDivisionError

    provider = FakeProvider(behave=behave)
    limits = {"twilio_lookup": ProviderLimits(concurrency=4)}
    with pytest.raises(ZeroDivisionError):
        run(dsn, tmp_path, provider, add_plan(conn), limits=limits)
    states = conn.execute("SELECT state, count(*) FROM ledger.claims GROUP BY 1 ORDER BY 1")
    counts = dict(states.fetchall())
    assert 1 <= counts.pop("unknown_outcome") <= 4
    assert set(counts) <= {"failed"}, "claimed and never sent: due again"


def test_a_batch_endpoint_gets_several_subjects_in_one_exchange(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 95)
    provider = FakeProvider(subjects_per_request=20)
    report = run(dsn, tmp_path, provider, add_plan(conn), LINE_TYPE, CALLER_NAME)
    assert report.answered == {"data": 190}
    assert set(provider.asked.values()) == {1}
    assert provider.calls < 20
    linked = conn.execute("SELECT count(*) FROM ledger.request_claims").fetchone()
    assert linked == (190,)
