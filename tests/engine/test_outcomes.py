"""What an answer or an error does to its claim, its money and its value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    PermanentFailure,
    ProviderError,
    RateLimited,
    TransientFailure,
    UnknownOutcome,
)
from bulk_lookup_dagster.engine.options import BreakerPolicy, ProviderLimits
from bulk_lookup_dagster.engine.provider import Question
from bulk_lookup_dagster.engine.retry import MAX_CLAIM_ATTEMPTS, retry_in_seconds
from tests.fakes.engine_run import run
from tests.fakes.ledger import add_plan, add_subjects
from tests.fakes.provider import FakeProvider

Connection = psycopg.Connection[Any]
NO_WAIT = timedelta(0)
LIMITS = {
    "twilio_lookup": ProviderLimits(
        attempts=3, breaker=BreakerPolicy(failures=1_000), retry_window=timedelta(seconds=20)
    )
}


def failing(error: ProviderError, times: int = 10_000) -> FakeProvider:
    def behave(question: Question, nth: int) -> Mapping[str, Any] | None:
        if nth <= times:
            raise error
        return None

    return FakeProvider(behave=behave)


def claims(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT state, outcome, error_class, cost_micros, retry_at IS NOT NULL, count(*)"
        " FROM ledger.claims GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3"
    ).fetchall()


def spent(conn: Connection) -> tuple[Any, ...] | None:
    return conn.execute(
        "SELECT reserved_micros, spent_micros, overrun_micros FROM ledger.budgets"
        " WHERE scope = 'plan'"
    ).fetchone()


def test_f24_an_unbilled_transient_failure_is_repeated_at_once(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 3)
    provider = failing(TransientFailure("refused", unbilled=True), times=1)
    report = run(dsn, tmp_path, provider, add_plan(conn), limits=LIMITS)
    assert claims(conn) == [("answered", "data", None, 8_000, False, 3)]
    assert (provider.calls, report.requests, report.retries) == (6, 6, 3)
    rows = conn.execute(
        "SELECT attempt, error_class, cost_micros, count(*) FROM ledger.requests"
        " GROUP BY 1, 2, 3 ORDER BY 1"
    ).fetchall()
    assert rows == [(1, "transient", 0, 3), (2, None, 8_000, 3)]


def test_f24_after_its_attempts_it_is_left_to_a_later_run(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 2)
    provider = failing(TransientFailure("refused", unbilled=True))
    report = run(dsn, tmp_path, provider, add_plan(conn), limits=LIMITS, patience=NO_WAIT)
    assert claims(conn) == [("failed", None, "transient", 0, True, 2)]
    assert provider.calls == 6
    assert report.left_due == {"later": 2}
    assert spent(conn) == (0, 0, 0)


def test_f46_a_request_that_was_written_is_never_repeated(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 2)
    provider = failing(UnknownOutcome("the connection was lost"))
    plan = add_plan(conn)
    report = run(dsn, tmp_path, provider, plan, limits=LIMITS, patience=NO_WAIT)
    assert claims(conn) == [("unknown_outcome", None, "unknown_outcome", 8_000, False, 2)]
    assert (provider.calls, report.unknown) == (2, 2)
    assert spent(conn) == (0, 16_000, 0)
    assert run(dsn, tmp_path, provider, plan, limits=LIMITS, patience=NO_WAIT).requests == 0


def test_f26_a_bad_response_counts_as_paid_and_is_held(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 1)
    run(dsn, tmp_path, failing(BadResponse("html")), add_plan(conn), limits=LIMITS)
    assert claims(conn) == [("unknown_outcome", None, "bad_response", 8_000, False, 1)]


def test_f24_a_permanent_failure_is_not_repeated_ever(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 1)
    plan = add_plan(conn)
    provider = failing(PermanentFailure("not found", status=404, unbilled=True))
    run(dsn, tmp_path, provider, plan, limits=LIMITS)
    run(dsn, tmp_path, provider, plan, limits=LIMITS)
    assert claims(conn) == [("failed", None, "permanent", 0, False, 1)]
    assert provider.calls == 1


def test_f33_one_failure_does_not_hide_the_rest(dsn: str, conn: Connection, tmp_path: Path) -> None:
    ids = add_subjects(conn, 20)

    def behave(question: Question, nth: int) -> Mapping[str, Any] | None:
        if question.subject_id == ids[7]:
            raise PermanentFailure("bad input", unbilled=True, vendor_code="20404")
        return None

    report = run(dsn, tmp_path, FakeProvider(behave=behave), add_plan(conn), limits=LIMITS)
    assert report.answered == {"data": 19}
    assert report.failed == {"permanent": 1}
    failed = conn.execute("SELECT subject_id, error_code FROM ledger.claims WHERE state = 'failed'")
    assert failed.fetchall() == [(ids[7], "20404")]


def test_f32_an_auth_failure_stops_the_provider_for_everyone(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 200)
    plan = add_plan(conn)
    provider = failing(AuthFailed("bad token"))
    report = run(dsn, tmp_path, provider, plan, limits=LIMITS)
    assert provider.calls <= 2 * LIMITS["twilio_lookup"].concurrency
    assert report.left_due == {"unavailable": 200}
    assert "auth" in report.stopped["twilio_lookup"]
    assert conn.execute("SELECT count(*) FROM enrichment.phone_lookups").fetchone() == (0,)
    healthy = FakeProvider()
    assert run(dsn, tmp_path, healthy, plan).requests == healthy.calls == 0


def test_f40_invalid_is_an_outcome_of_its_own(dsn: str, conn: Connection, tmp_path: Path) -> None:
    add_subjects(conn, 2)
    body = {"outcome": "invalid_subject", "cost": 0, "valid": False}
    provider = FakeProvider(behave=lambda question, nth: body)
    run(dsn, tmp_path, provider, add_plan(conn))
    assert claims(conn) == [("answered", "invalid_subject", None, 0, False, 2)]
    stored = conn.execute("SELECT outcome, valid FROM enrichment.phone_lookups").fetchall()
    assert stored == [("invalid_subject", False)] * 2
    assert spent(conn) == (0, 0, 0)


@pytest.mark.parametrize("flaw", [{"sms_pumping_risk_score": 900}, {"broken": True}, {"x": 1}])
def test_one_bad_row_is_quarantined_and_its_paid_body_kept(
    dsn: str, conn: Connection, tmp_path: Path, flaw: dict[str, Any]
) -> None:
    ids = add_subjects(conn, 50)

    def behave(question: Question, nth: int) -> Mapping[str, Any] | None:
        return flaw if question.subject_id == ids[31] else None

    report = run(dsn, tmp_path, FakeProvider(behave=behave), add_plan(conn))
    assert report.answered == {"data": 50}
    assert report.quarantined == 1
    assert conn.execute("SELECT count(*) FROM enrichment.phone_lookups").fetchone() == (49,)
    assert conn.execute("SELECT count(*) FROM ledger.bodies").fetchone() == (50,)
    held = conn.execute("SELECT subject_id FROM ops.quarantine JOIN ledger.claims USING (claim_id)")
    assert held.fetchall() == [(ids[31],)]


def test_a_bill_above_the_reservation_is_recorded_and_stops_the_provider(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 1)
    provider = FakeProvider(behave=lambda question, nth: {"cost": 9_500})
    plan = add_plan(conn, cap_micros=8_000)
    run(dsn, tmp_path, provider, plan)
    assert spent(conn) == (0, 9_500, 1_500)
    add_subjects(conn, 5)
    assert run(dsn, tmp_path, provider, plan).requests == 0
    state = conn.execute("SELECT state FROM ops.provider_states").fetchone()
    assert state == ("stopped",)


@given(
    st.integers(1, 20),
    st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=3))),
    st.booleans(),
)
def test_f25_a_retry_is_never_earlier_than_the_vendor_asked(
    attempt: int, retry_after: timedelta | None, limited: bool
) -> None:
    kind = RateLimited if limited else TransientFailure
    wait = retry_in_seconds(attempt, kind("slow", retry_after=retry_after))
    if attempt >= MAX_CLAIM_ATTEMPTS:
        assert wait is None
    else:
        assert wait is not None
        assert 60 <= wait <= 86_400
        assert retry_after is None or wait >= min(86_400, retry_after.total_seconds())
