"""Accepted questions: whoever comes next polls them; nobody claims or pays for them again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import BadResponse, PermanentFailure, TransientFailure
from bulk_lookup_dagster.engine.provider import Question
from tests.fakes.ledger import add_plan, add_subjects
from tests.fakes.waterfall import FIRST, SECOND, SlowVendor, go, vendor, waterfall

Connection = psycopg.Connection[Any]
STEP = waterfall(FIRST)
LATER = timedelta(hours=1)
SOON = timedelta(seconds=20)

# Accepts everything, then is killed with nothing polled: the claims must survive it.
_KILLED = """
import asyncio, os, signal, sys
from datetime import timedelta
from pathlib import Path
from bulk_lookup_dagster.engine.options import RunOptions
from bulk_lookup_dagster.engine.runner import run_step
from tests.fakes.ledger import ALL_PHONES
from tests.fakes.waterfall import FIRST, SlowVendor, waterfall

dsn, home, plan, when = sys.argv[1:]
vendor = SlowVendor(name=FIRST, poll_in=timedelta(seconds=0.1))
if when == "polling":
    vendor.on_poll = lambda question: os.kill(os.getpid(), signal.SIGKILL)
else:
    vendor.poll_in = timedelta(seconds=1)
    taken = vendor._accepted
    def accepted(question):
        if vendor.calls >= 5:
            asyncio.get_running_loop().call_later(0.3, os.kill, os.getpid(), signal.SIGKILL)
        return taken(question)
    vendor._accepted = accepted
options = RunOptions(home=Path(home), patience=timedelta(seconds=20))
asyncio.run(run_step(dsn, waterfall(FIRST), ALL_PHONES, {FIRST: vendor}, plan_id=int(plan),
                     run=options))
"""


def claims(conn: Connection) -> dict[str, int]:
    return dict(conn.execute("SELECT state, count(*) FROM ledger.claims GROUP BY 1").fetchall())


def money(conn: Connection) -> tuple[Any, ...] | None:
    return conn.execute(
        "SELECT reserved_micros, spent_micros FROM ledger.budgets WHERE scope = 'plan'"
    ).fetchone()


def call_back(conn: Connection, name: str, event: str, body: dict[str, Any]) -> None:
    conn.execute(
        "INSERT INTO ops.callbacks (provider, external_id, event, body) VALUES (%s, %s, %s, %s)",
        (FIRST, name, event, json.dumps(body).encode()),
    )


def results(conn: Connection) -> list[str | None]:
    rows = conn.execute("SELECT result FROM ops.callbacks ORDER BY callback_id").fetchall()
    return [row[0] for row in rows]


def test_an_accepted_question_keeps_its_reservation_and_is_polled_by_the_next_run(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 3)
    plan = add_plan(conn, providers=(FIRST,))
    slow = SlowVendor(name=FIRST, poll_in=LATER)
    report = go(dsn, tmp_path, STEP, plan, slow)
    assert (report.accepted, report.complete) == (3, False)
    assert claims(conn) == {"accepted": 3}
    assert money(conn) == (24_000, 0)
    again = go(dsn, tmp_path, STEP, plan, slow)
    assert (again.requests, again.accepted) == (0, 3)
    conn.execute("UPDATE ledger.claims SET next_poll_at = now()")
    polled = go(dsn, tmp_path, STEP, plan, slow)
    assert (polled.requests, polled.answered) == (3, {"data": 3})
    assert (slow.calls, set(slow.polls.values())) == (3, {1})
    assert claims(conn) == {"answered": 3}
    assert money(conn) == (0, 24_000)
    assert conn.execute("SELECT count(*) FROM ledger.requests").fetchone() == (6,)
    assert (
        conn.execute("SELECT line_type FROM enrichment.phone_lookups").fetchall() == [("voip",)] * 3
    )


def test_a_run_waits_as_long_as_its_patience_and_polls_as_often_as_it_is_told(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 4)
    plan = add_plan(conn, providers=(FIRST,))
    slow = SlowVendor(name=FIRST, ready_after=3)
    report = go(dsn, tmp_path, STEP, plan, slow, patience=SOON)
    assert report.answered == {"data": 4}
    assert report.complete
    assert set(slow.polls.values()) == {3}
    assert (slow.calls, money(conn)) == (4, (0, 32_000))


@pytest.mark.parametrize("when", ["accepted", "polling"])
def test_f02_killed_after_accepted_another_polls_never_claims_never_pays_twice(
    dsn: str, conn: Connection, tmp_path: Path, when: str
) -> None:
    add_subjects(conn, 5)
    plan = add_plan(conn, providers=(FIRST,))
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, dsn, str(tmp_path), str(plan), when],
        cwd=Path(__file__).parents[2],
        check=False,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert killed.returncode == -signal.SIGKILL
    survivor = SlowVendor(name=FIRST)
    conn.execute("UPDATE ledger.claims SET next_poll_at = now() WHERE state = 'accepted'")
    report = go(dsn, tmp_path, STEP, plan, survivor, patience=SOON)
    assert survivor.calls == 0
    assert len(survivor.polls) == 5
    assert report.answered == {"data": 5}
    found = conn.execute("SELECT count(*), max(attempt), max(epoch) FROM ledger.claims").fetchone()
    assert found == (5, 1, 0)
    assert money(conn) == (0, 40_000)


def test_f02_two_processes_poll_each_question_once(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 60)
    plan = add_plan(conn, providers=(FIRST,))
    slow = SlowVendor(name=FIRST, poll_in=LATER)
    go(dsn, tmp_path, STEP, plan, slow)
    conn.execute("UPDATE ledger.claims SET next_poll_at = now()")

    async def both() -> None:
        await asyncio.gather(
            *(asyncio.to_thread(go, dsn, tmp_path / name, STEP, plan, slow) for name in "ab")
        )

    asyncio.run(both())
    assert claims(conn) == {"answered": 60}
    assert set(slow.polls.values()) == {1}
    assert money(conn) == (0, 480_000)


def test_a_failed_poll_says_nothing_but_a_question_the_vendor_does_not_know_is_over(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 2)
    plan = add_plan(conn, providers=(FIRST,))

    def on_poll(question: Question) -> None:
        if question.subject_id == ids[0]:
            raise TransientFailure("down")
        raise PermanentFailure("no such job")

    slow = SlowVendor(name=FIRST, on_poll=on_poll)
    go(dsn, tmp_path, STEP, plan, slow, patience=timedelta(seconds=1))
    assert claims(conn) == {"accepted": 1, "failed": 1}
    row = conn.execute(
        "SELECT error_class, next_poll_at > now() + interval '20 s' FROM ledger.claims"
        " WHERE state = 'accepted'"
    ).fetchone()
    assert row == ("transient", True)
    assert slow.calls == 2


def test_after_its_deadline_an_accepted_question_is_an_unknown_outcome_and_its_money_spent(
    dsn: str, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    add_subjects(conn, 2)
    plan = add_plan(conn, providers=(FIRST,))
    slow = SlowVendor(name=FIRST, poll_in=LATER)
    go(dsn, tmp_path, STEP, plan, slow)
    with psycopg.connect(superuser_dsn) as admin:
        admin.execute("UPDATE ledger.claims SET claimed_at = now() - interval '25 hours'")
    report = go(dsn, tmp_path, STEP, plan, slow, accepted_for=timedelta(hours=26))
    assert (report.recovered, claims(conn)) == (0, {"accepted": 2})
    report = go(dsn, tmp_path, STEP, plan, slow)
    assert report.recovered == 2
    assert claims(conn) == {"unknown_outcome": 2}
    assert money(conn) == (0, 16_000)
    call_back(conn, f"job-{slow_subject(conn)}", "done", {"values": {"line_type": "mobile"}})
    go(dsn, tmp_path, STEP, plan, slow)
    assert claims(conn) == {"answered": 1, "unknown_outcome": 1}
    assert (slow.calls, money(conn)) == (2, (0, 16_000))


def slow_subject(conn: Connection) -> int:
    return int(conn.execute("SELECT min(subject_id) FROM ledger.claims").fetchall()[0][0])


def test_a_call_back_settles_its_question_once_without_a_request(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 3)
    plan = add_plan(conn, providers=(FIRST,))
    slow = SlowVendor(name=FIRST, poll_in=LATER)
    call_back(conn, f"job-{ids[0]}", "started", {})
    call_back(conn, f"job-{ids[0]}", "done", {"values": {"line_type": "mobile"}})
    call_back(conn, f"job-{ids[1]}", "done", {})
    call_back(conn, "job-of-nobody", "done", {"values": {}})
    go(dsn, tmp_path, STEP, plan, slow)  # they came before their questions were accepted
    assert results(conn) == [None] * 4
    report = go(dsn, tmp_path, STEP, plan, slow)
    assert (report.requests, report.answered) == (0, {"data": 1})
    assert results(conn) == ["ignored", "settled", "refused", None]
    assert claims(conn) == {"answered": 1, "accepted": 2}
    assert money(conn) == (16_000, 8_000)
    go(dsn, tmp_path, STEP, plan, slow)
    assert money(conn) == (16_000, 8_000)
    assert conn.execute("SELECT line_type FROM enrichment.phone_lookups").fetchall() == [
        ("mobile",)
    ]


def test_f17_a_step_on_the_way_in_the_same_page_does_not_hide_the_end(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 1)
    plan = add_plan(conn, providers=(FIRST,))
    slow = SlowVendor(name=FIRST, poll_in=LATER)
    go(dsn, tmp_path, STEP, plan, slow)
    for event in ("working", "done"):
        call_back(conn, f"job-{ids[0]}", event, {"values": {"line_type": "mobile"}})
    report = go(dsn, tmp_path, STEP, plan, slow)
    assert (report.requests, report.answered) == (0, {"data": 1})
    assert results(conn) == ["ignored", "settled"]
    assert claims(conn) == {"answered": 1}


def test_a_waterfall_waits_for_what_its_first_vendor_accepted(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 3)
    plan = add_plan(conn, providers=(FIRST, SECOND))
    slow, second = SlowVendor(name=FIRST, poll_in=LATER), vendor(SECOND)
    report = go(dsn, tmp_path, waterfall(), plan, slow, second)
    assert (report.accepted, report.left_due["waiting"], second.calls) == (3, 3, 0)
    conn.execute("UPDATE ledger.claims SET next_poll_at = now()")
    assert go(dsn, tmp_path, waterfall(), plan, slow, second).complete
    assert second.calls == 0


def test_a_callback_the_vendor_would_not_send_is_refused_by_its_reader() -> None:
    with pytest.raises(BadResponse):
        SlowVendor(name=FIRST).read_callback({"x-token": "token"}, b"[]", "")
