"""What a person may do to paid work, and that it is recorded."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError, UnknownOutcome
from bulk_lookup_dagster.engine import operator
from tests.fakes.engine_run import run
from tests.fakes.ledger import add_plan, add_subjects
from tests.fakes.provider import FakeProvider

Connection = psycopg.Connection[Any]


def lose(*args: object) -> None:
    raise UnknownOutcome("lost")


def unknown_claims(dsn: str, conn: Connection, home: Path, count: int) -> tuple[int, list[int]]:
    add_subjects(conn, count)
    plan = add_plan(conn)
    run(dsn, home, FakeProvider(behave=lose), plan, patience=timedelta(0))
    return plan, [one.claim_id for one in operator.list_unknowns(conn)]


def test_asking_again_buys_knowingly_a_second_time(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    plan, claims = unknown_claims(dsn, conn, tmp_path, 3)
    assert operator.ask_again(conn, actor="ann", claim_ids=claims[:2]) == 2
    provider = FakeProvider()
    run(dsn, tmp_path, provider, plan)
    assert provider.calls == 2
    assert [one.claim_id for one in operator.list_unknowns(conn)] == claims[2:]
    spent = conn.execute("SELECT spent_micros FROM ledger.budgets WHERE scope = 'plan'").fetchone()
    assert spent == (5 * 8_000,)
    audit = conn.execute("SELECT actor, action, detail FROM ops.audit").fetchall()
    assert audit == [("ann", "unknowns.ask_again", {"claims": 2})]


def test_writing_off_ends_a_claim_for_good(dsn: str, conn: Connection, tmp_path: Path) -> None:
    plan, _ = unknown_claims(dsn, conn, tmp_path, 2)
    assert operator.write_off(conn, actor="ann", provider="twilio_lookup") == 2
    assert operator.list_unknowns(conn) == []
    assert run(dsn, tmp_path, FakeProvider(), plan).requests == 0


def test_a_claim_that_is_not_unknown_is_refused_and_nothing_moves(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    _, claims = unknown_claims(dsn, conn, tmp_path, 2)
    with pytest.raises(InputError, match="1 of 3"):
        operator.write_off(conn, actor="ann", claim_ids=[*claims, 999])
    assert len(operator.list_unknowns(conn)) == 2


def test_f60_unknowns_are_listed_in_pages(dsn: str, conn: Connection, tmp_path: Path) -> None:
    _, claims = unknown_claims(dsn, conn, tmp_path, 5)
    first = operator.list_unknowns(conn, limit=2)
    rest = operator.list_unknowns(conn, after=first[-1].claim_id, limit=10)
    assert [one.claim_id for one in first + rest] == claims


def test_f32_a_paused_provider_is_left_alone_until_resumed(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 4)
    plan = add_plan(conn)
    operator.pause_provider(conn, "twilio_lookup", actor="ann", reason="invoice")
    provider = FakeProvider()
    report = run(dsn, tmp_path, provider, plan)
    assert (provider.calls, report.left_due) == (0, {"paused": 4})
    operator.resume_provider(conn, "twilio_lookup", actor="ann")
    assert run(dsn, tmp_path, provider, plan).answered == {"data": 4}
