"""Which questions are due: never asked, retry time come, or a refresh somebody approved."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.engine.due import count_questions
from bulk_lookup_dagster.engine.options import RunOptions
from bulk_lookup_dagster.engine.runner import run_step
from tests.fakes.engine_run import run
from tests.fakes.ledger import ALL_PHONES, PRICE_LIST, add_plan, add_subjects, step
from tests.fakes.provider import CALLER_NAME, LINE_TYPE, FakeProvider

Connection = psycopg.Connection[Any]


def standings(
    conn: Connection, *operations: str, plan_id: int | None = None, days: int | None = None
) -> Counter[str]:
    counts = count_questions(
        conn,
        step(*operations),
        ALL_PHONES,
        price_list=PRICE_LIST,
        plan_id=plan_id,
        refresh_after=None if days is None else timedelta(days=days),
    )
    found: Counter[str] = Counter()
    for one in counts:
        found[one.standing] += one.count
    return found


def test_never_asked_is_due_and_answered_is_not(dsn: str, conn: Connection, tmp_path: Path) -> None:
    add_subjects(conn, 3)
    plan = add_plan(conn)
    assert standings(conn) == {"new": 3}
    run(dsn, tmp_path, FakeProvider(), plan)
    assert standings(conn) == {"cached": 3}
    assert standings(conn, LINE_TYPE, CALLER_NAME) == {"cached": 3, "new": 3}


def test_f02_expiry_deletes_a_value_and_never_buys_one(
    dsn: str, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    add_subjects(conn, 3)
    provider = FakeProvider()
    plan = add_plan(conn)
    run(dsn, tmp_path, provider, plan)
    with psycopg.connect(superuser_dsn) as admin:
        admin.execute(
            "UPDATE enrichment.phone_lookups SET fetched_at = now() - interval '99 days',"
            " expires_at = now() - interval '9 days'"
        )
        admin.execute("DELETE FROM ledger.bodies")
        admin.execute("DELETE FROM enrichment.phone_lookups")
    assert run(dsn, tmp_path, provider, plan).requests == 0


def test_a_refresh_policy_opens_a_new_epoch(
    dsn: str, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    add_subjects(conn, 2)
    plan = add_plan(conn)
    run(dsn, tmp_path, FakeProvider(), plan)
    with psycopg.connect(superuser_dsn) as admin:
        admin.execute(
            "UPDATE ledger.claims SET claimed_at = now() - interval '31 days',"
            " settled_at = now() - interval '31 days' WHERE claim_id = 1"
        )
    assert standings(conn, days=30) == {"refresh": 1, "cached": 1}
    run(dsn, tmp_path, FakeProvider(), add_plan(conn), refresh_after=timedelta(days=30))
    epochs = conn.execute("SELECT epoch, count(*) FROM ledger.claims GROUP BY 1 ORDER BY 1")
    assert epochs.fetchall() == [(0, 2), (1, 1)]
    assert standings(conn, days=30) == {"cached": 2}


def test_f01_a_plan_buys_an_answer_once_however_soon_a_policy_wants_it_again(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 3)
    plan, provider = add_plan(conn), FakeProvider()
    for _ in range(2):
        run(dsn, tmp_path, provider, plan, refresh_after=timedelta(0))
    assert provider.calls == 3
    assert standings(conn, days=0) == {"refresh": 3}, "another plan may"


def test_a_refresh_by_hand_belongs_to_its_plan(dsn: str, conn: Connection, tmp_path: Path) -> None:
    add_subjects(conn, 2)
    first, refresh = add_plan(conn), add_plan(conn)
    run(dsn, tmp_path, FakeProvider(), first)
    conn.execute(
        "INSERT INTO ops.refreshes (plan_id, provider, operation, answered_before)"
        " VALUES (%s, 'twilio_lookup', %s, now())",
        (refresh, LINE_TYPE),
    )
    assert standings(conn, plan_id=first) == {"cached": 2}
    assert standings(conn, plan_id=refresh) == {"refresh": 2}
    provider = FakeProvider()
    run(dsn, tmp_path, provider, refresh)
    assert run(dsn, tmp_path, provider, refresh).requests == 0
    assert provider.calls == 2


def test_an_erased_subject_is_not_asked(conn: Connection) -> None:
    add_subjects(conn, 2)
    add_plan(conn)
    conn.execute(
        "UPDATE intake.subjects SET value = NULL, erased_at = now()"
        " WHERE subject_id = (SELECT min(subject_id) FROM intake.subjects)"
    )
    assert standings(conn) == {"new": 1}


def test_f03_without_a_price_nothing_is_asked(dsn: str, conn: Connection, tmp_path: Path) -> None:
    add_subjects(conn, 2)
    provider = FakeProvider()
    report = run(dsn, tmp_path, provider, add_plan(conn, prices={LINE_TYPE: 8_000}), CALLER_NAME)
    assert provider.calls == 0
    assert report.left_due == {"no_price": 2}


@pytest.mark.parametrize("apart, requests", [(False, 4), (True, 8)])
def test_questions_about_a_subject_share_a_request_unless_they_stand_apart(
    dsn: str, conn: Connection, tmp_path: Path, apart: bool, requests: int
) -> None:
    plan_id = add_plan(conn)
    add_subjects(conn, 4)
    provider = FakeProvider()
    asked = replace(step(LINE_TYPE, CALLER_NAME), apart=apart)
    report = asyncio.run(
        run_step(
            dsn,
            asked,
            ALL_PHONES,
            {provider.name: provider},
            plan_id=plan_id,
            run=RunOptions(home=tmp_path),
        )
    )
    assert provider.calls == requests
    assert report.answered["data"] == 8
