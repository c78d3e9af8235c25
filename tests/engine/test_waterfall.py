"""Waterfalls: the next vendor is asked for what is still unanswered, and for nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    PermanentFailure,
    ProviderError,
    TransientFailure,
    UnknownOutcome,
)
from bulk_lookup_dagster.engine import operator
from bulk_lookup_dagster.engine.due import count_questions
from bulk_lookup_dagster.engine.options import ProviderLimits
from bulk_lookup_dagster.engine.provider import Question
from bulk_lookup_dagster.engine.step import Step
from tests.fakes.ledger import ALL_PHONES, PRICE_LIST, add_plan, add_subjects
from tests.fakes.provider import CALLER_NAME, LINE_TYPE, FakeProvider
from tests.fakes.waterfall import FIRST, MISS, SECOND, go, vendor, waterfall

Connection = psycopg.Connection[Any]
ONCE = {name: ProviderLimits(attempts=1) for name in (FIRST, SECOND, "third_vendor")}
BOTH = (FIRST, SECOND)


def even_missing(question: Question, nth: int) -> Mapping[str, Any] | None:
    return MISS if question.subject_id % 2 == 0 else None


def failing(error: ProviderError) -> Any:
    def behave(question: Question, nth: int) -> None:
        raise error

    return behave


def standings(conn: Connection, step: Step, **options: Any) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for one in count_questions(conn, step, ALL_PHONES, price_list=PRICE_LIST, **options):
        found[one.provider, one.standing] += one.count
    return found


def asked(provider: FakeProvider) -> set[int]:
    return {subject for subject, _ in provider.asked}


def test_the_next_vendor_is_asked_for_what_is_still_unanswered(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 10)
    plan = add_plan(conn, providers=BOTH)
    assert standings(conn, waterfall()) == {(FIRST, "new"): 10, (SECOND, "waiting"): 10}
    first, second = vendor(FIRST, even_missing), vendor(SECOND)
    report = go(dsn, tmp_path, waterfall(), plan, first, second)
    assert asked(first) == set(ids)
    assert asked(second) == {one for one in ids if one % 2 == 0}
    assert report.complete
    assert standings(conn, waterfall()) == {
        (FIRST, "cached"): 10,
        (SECOND, "cached"): 5,
        (SECOND, "served"): 5,
    }
    again = go(dsn, tmp_path, waterfall(), plan, first, second)
    assert again.requests == 0


@pytest.mark.parametrize(
    "error, left",
    [
        (TransientFailure("down", unbilled=True), "waiting"),
        (AuthFailed("wrong key"), "waiting"),
        (UnknownOutcome("lost"), "waiting"),
        (PermanentFailure("never"), ""),
    ],
)
def test_f23_unavailable_is_not_no_data_but_a_permanent_failure_moves_on(
    dsn: str, conn: Connection, tmp_path: Path, error: ProviderError, left: str
) -> None:
    ids = add_subjects(conn, 4)
    plan = add_plan(conn, providers=BOTH)
    first, second = vendor(FIRST, failing(error)), vendor(SECOND)
    report = go(dsn, tmp_path, waterfall(), plan, first, second, limits=ONCE)
    assert asked(second) == (set() if left else set(ids))
    assert report.left_due["waiting"] == (4 if left else 0)


def test_a_held_outcome_keeps_waiting_until_a_person_gives_it_up(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 3)
    plan = add_plan(conn, providers=BOTH)
    first, second = vendor(FIRST, failing(UnknownOutcome("lost"))), vendor(SECOND)
    go(dsn, tmp_path, waterfall(), plan, first, second, limits=ONCE)
    assert standings(conn, waterfall()) == {(FIRST, "held"): 3, (SECOND, "waiting"): 3}
    operator.write_off(conn, actor="ann")
    go(dsn, tmp_path, waterfall(), plan, first, second, limits=ONCE)
    assert len(asked(second)) == 3


def test_a_dead_first_vendor_leaves_waiting_work_and_the_next_run_buys_exactly_the_rest(
    dsn: str, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 12)
    plan = add_plan(conn, providers=BOTH)

    def dying(question: Question, nth: int) -> Mapping[str, Any] | None:
        if dead and question.subject_id > ids[5]:
            raise TransientFailure("down", unbilled=True)
        return even_missing(question, nth)

    dead = True
    first, second = vendor(FIRST, dying), vendor(SECOND)
    report = go(dsn, tmp_path, waterfall(), plan, first, second, limits=ONCE)
    assert report.answered == {"data": 6, "no_data": 3}
    assert report.left_due["waiting"] == 6
    dead = False
    with psycopg.connect(superuser_dsn) as admin:
        admin.execute(
            "UPDATE ledger.claims SET retry_at = now() - interval '1 s' WHERE state = 'failed'"
        )
    again = go(dsn, tmp_path, waterfall(), plan, first, second, limits=ONCE)
    assert again.answered == {"data": 6, "no_data": 3}
    assert again.complete
    assert set(second.answered.values()) == {1}
    assert asked(second) == {one for one in ids if one % 2 == 0}
    assert set(first.answered.values()) == {1}


def test_a_dead_vendor_holds_no_other_slot_up_and_is_asked_no_more_than_its_circuit_allows(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 40)
    plan = add_plan(conn, providers=BOTH)
    step = waterfall(FIRST, operations=(LINE_TYPE,))
    other = waterfall(SECOND, operations=(CALLER_NAME,))
    both = Step(
        step.name,
        step.subject_kind,
        step.table,
        f"({step.questions_sql}) UNION ALL ({other.questions_sql})",
    )
    first = vendor(FIRST, failing(TransientFailure("down", unbilled=True)))
    second = vendor(SECOND)
    limits = {FIRST: ProviderLimits(attempts=1, concurrency=1), SECOND: ProviderLimits()}
    report = go(dsn, tmp_path, both, plan, first, second, limits=limits)
    assert report.answered == {"data": 40}
    assert first.calls <= ProviderLimits().breaker.failures + 1
    assert sum(report.left_due.values()) == 40


def test_a_holdout_also_asks_the_second_vendor_and_adding_it_buys_only_that(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 200)
    plan = add_plan(conn, providers=BOTH)
    first, second = vendor(FIRST), vendor(SECOND)
    go(dsn, tmp_path, waterfall(), plan, first, second)
    assert asked(second) == set()
    report = go(dsn, tmp_path, waterfall(holdout=20), plan, first, second)
    assert report.requests == second.calls
    assert first.calls == 200
    assert 15 <= second.calls <= 65
    held_out = asked(second)
    assert held_out < set(ids)
    assert go(dsn, tmp_path, waterfall(holdout=20), plan, first, second).requests == 0
    go(dsn, tmp_path, waterfall(holdout=40), plan, first, second)
    assert held_out < asked(second)
    assert set(second.asked.values()) == {1}


def test_adding_a_package_to_a_bought_batch_buys_only_that(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 20)
    plan = add_plan(conn, providers=BOTH)
    first, second = vendor(FIRST), vendor(SECOND)
    go(dsn, tmp_path, waterfall(), plan, first, second)
    wider = waterfall(operations=(LINE_TYPE, CALLER_NAME))
    report = go(dsn, tmp_path, wider, plan, first, second)
    assert report.answered == {"data": 20}
    assert {operation for _, operation in first.asked} == {LINE_TYPE, CALLER_NAME}
    assert set(first.asked.values()) == {1}
    assert second.calls == 0


def test_an_answer_below_the_minimum_confidence_asks_on_and_an_expired_one_never_does(
    dsn: str, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 6)
    plan = add_plan(conn, providers=BOTH)

    def unsure(question: Question, nth: int) -> Mapping[str, Any]:
        return {"quality_score": 40 if question.subject_id % 2 else 80}

    first, second = vendor(FIRST, unsure), vendor(SECOND)
    go(dsn, tmp_path, waterfall(), plan, first, second)
    assert second.calls == 0
    step = waterfall(minimum=60)
    go(dsn, tmp_path, step, plan, first, second)
    assert asked(second) == {one for one in ids if one % 2}
    with psycopg.connect(superuser_dsn) as admin:
        admin.execute("DELETE FROM enrichment.phone_lookups")
    assert go(dsn, tmp_path, step, plan, first, second).requests == 0


def test_a_vendor_put_first_later_is_not_asked_what_another_has_answered(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 6)
    plan = add_plan(conn, providers=BOTH)
    first, second = vendor(FIRST), vendor(SECOND, even_missing)
    go(dsn, tmp_path, waterfall(SECOND), plan, second)
    go(dsn, tmp_path, waterfall(FIRST, SECOND), plan, first, second)
    assert {one % 2 for one in asked(first)} == {0}
    assert first.calls == 3


def test_three_positions_each_wait_for_all_before_them(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 4)
    plan = add_plan(conn, providers=(FIRST, SECOND, "third_vendor"))
    step = waterfall(FIRST, SECOND, "third_vendor")
    vendors = [vendor(name, lambda question, nth: MISS) for name in (FIRST, SECOND)]
    third = vendor("third_vendor")
    report = go(dsn, tmp_path, step, plan, *vendors, third)
    assert report.answered == {"no_data": 8, "data": 4}
    assert [one.calls for one in (*vendors, third)] == [4, 4, 4]


def test_f02_a_refresh_asks_the_vendor_that_answered_not_the_next(
    dsn: str, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    add_subjects(conn, 3)
    plan = add_plan(conn, providers=BOTH)
    first, second = vendor(FIRST), vendor(SECOND)
    go(dsn, tmp_path, waterfall(), plan, first, second)
    with psycopg.connect(superuser_dsn) as admin:
        admin.execute(
            "UPDATE ledger.claims SET claimed_at = now() - interval '31 days',"
            " settled_at = now() - interval '31 days'"
        )
    days = timedelta(days=30)
    assert standings(conn, waterfall(), refresh_after=days) == {
        (FIRST, "refresh"): 3,
        (SECOND, "waiting"): 3,
    }
    again = add_plan(conn, providers=BOTH)
    go(dsn, tmp_path, waterfall(), again, first, second, refresh_after=days)
    assert (first.calls, second.calls) == (6, 0)
