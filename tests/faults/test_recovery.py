"""Families F02 and F13: dead owners, lost sessions, a database that goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.engine import settlement
from bulk_lookup_dagster.engine.options import ProviderLimits
from bulk_lookup_dagster.engine.provider import Question
from bulk_lookup_dagster.engine.settlement import ExchangeFacts
from bulk_lookup_dagster.engine.spool import DATABASE_IDENTITY, Spool, folder
from bulk_lookup_dagster.engine.worker import Worker
from tests.fakes.engine_run import arun, run
from tests.fakes.ledger import add_plan, add_subjects
from tests.fakes.provider import FakeProvider

Connection = psycopg.Connection[Any]
NO_WAIT = timedelta(0)


def leave_claims(conn: Connection, plan: int, ids: list[int], worker: int, overdue: bool) -> None:
    """Claims as a process leaves them that was killed with requests on the wire."""
    conn.execute(
        """
        WITH run AS (
            INSERT INTO ledger.runs (kind, plan_id, step, worker_id)
            VALUES ('batch', %(plan)s, 'x', %(worker)s)
            RETURNING run_id
        ), owner AS (
            INSERT INTO ops.workers (worker_id, host, pid) VALUES (%(worker)s, 'here', 1)
            ON CONFLICT DO NOTHING
        )
        INSERT INTO ledger.claims
               (provider, operation, subject_id, params_hash, epoch, state, plan_id, run_id,
                budget_day, worker_id, reserved_micros, claimed_at, deadline_at)
        SELECT 'twilio_lookup', 'line_type_intelligence', s, '', 0, 'claimed', %(plan)s, run_id,
               current_date, %(worker)s, 8000, now() - interval '1 hour',
               now() + CASE WHEN %(overdue)s THEN -1 ELSE 1 END * interval '30 minutes'
          FROM run, unnest(%(ids)s::bigint[]) s
        """,
        {"plan": plan, "ids": ids, "worker": worker, "overdue": overdue},
    )
    conn.execute(
        "INSERT INTO ledger.budgets (scope, key, reserved_micros)"
        " SELECT scope, key, count(*) * 8000 FROM ledger.claims, LATERAL (VALUES"
        " ('plan', plan_id::text), ('run', run_id::text), ('day', budget_day::text),"
        " ('provider', provider || ':' || budget_day)) k (scope, key)"
        " WHERE state = 'claimed' GROUP BY 1, 2"
        " ON CONFLICT (scope, key) DO UPDATE SET reserved_micros = EXCLUDED.reserved_micros"
    )


def spool_folder(conn: Connection, home: Path) -> Path:
    identity = conn.execute(DATABASE_IDENTITY).fetchone()
    assert identity is not None
    return folder(home, identity[0], "phone_lookups")


def states(conn: Connection) -> dict[str, int]:
    return dict(conn.execute("SELECT state, count(*) FROM ledger.claims GROUP BY 1").fetchall())


def ended_runs(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT summary ->> 'error' FROM ledger.runs WHERE finished_at IS NOT NULL ORDER BY run_id"
    ).fetchall()


def plan_money(conn: Connection) -> tuple[Any, ...] | None:
    return conn.execute(
        "SELECT reserved_micros, spent_micros FROM ledger.budgets WHERE scope = 'plan'"
    ).fetchone()


def test_f13_a_dead_owners_overdue_claims_are_resolved_and_never_asked_again(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 30)
    plan = add_plan(conn)
    leave_claims(conn, plan, ids[:10], worker=900_001, overdue=True)
    provider = FakeProvider()
    report = run(dsn, tmp_path, provider, plan, patience=NO_WAIT)
    assert report.recovered == 10
    assert states(conn) == {"unknown_outcome": 10, "answered": 20}
    assert {subject for subject, _ in provider.asked} == set(ids[10:])
    assert plan_money(conn) == (0, 240_000)
    assert ended_runs(conn) == [("OwnerDied",), (None,)]


def test_f13_before_the_longest_call_is_over_a_dead_owners_claims_are_left_alone(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 3)
    plan = add_plan(conn)
    leave_claims(conn, plan, ids, worker=900_001, overdue=False)
    provider = FakeProvider()
    report = run(dsn, tmp_path, provider, plan, patience=NO_WAIT)
    assert (provider.calls, report.pending_elsewhere) == (0, 3)
    assert states(conn) == {"claimed": 3}
    assert ended_runs(conn) == [(None,)], "the dead one's claims are still its own"


def test_f13_a_live_owners_claims_are_never_taken_over(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 3)
    plan = add_plan(conn)

    async def scenario() -> None:
        owner = await Worker.register(dsn)
        leave_claims(conn, plan, ids, worker=owner.worker_id, overdue=True)
        await arun(dsn, tmp_path, FakeProvider(), plan, patience=NO_WAIT)
        assert states(conn) == {"claimed": 3}
        assert ended_runs(conn) == [(None,)], "its own; the live owner's run goes on"
        await owner.close()
        await arun(dsn, tmp_path, FakeProvider(), plan, patience=NO_WAIT)
        assert states(conn) == {"unknown_outcome": 3}

    asyncio.run(scenario())


def test_f02_answers_a_dead_process_had_received_are_settled_not_bought(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 4)
    plan = add_plan(conn)
    leave_claims(conn, plan, ids, worker=900_001, overdue=True)
    claims = conn.execute("SELECT claim_id, run_id FROM ledger.claims ORDER BY 1").fetchall()
    spool = Spool(spool_folder(conn, tmp_path))
    for claim_id, run_id in claims[:3]:
        facts = ExchangeFacts(
            f"{claim_id:032x}", "twilio_lookup", run_id, "lookup", 1, 1.0, 9, 200, 50
        )
        answer = settlement.answered(
            claim_id, 1, "data", 8000, b'{"line_type":"voip"}', None, facts.columns()
        )
        spool.append(answer.line, 1)
    spool.close()
    provider = FakeProvider()
    run(dsn, tmp_path, provider, plan, patience=NO_WAIT)
    assert states(conn) == {"answered": 3, "unknown_outcome": 1}
    assert provider.calls == 0
    stored = conn.execute("SELECT line_type FROM enrichment.phone_lookups").fetchall()
    assert stored == [("voip",)] * 3
    assert not list(spool_folder(conn, tmp_path).iterdir())
    assert plan_money(conn) == (0, 32_000)


def test_a_spool_of_another_database_is_left_alone(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    other = Spool(folder(tmp_path, "0-0", "phone_lookups"))
    other.append(b"not ours\n", 1)
    other.close()
    add_subjects(conn, 2)
    report = run(dsn, tmp_path, FakeProvider(), add_plan(conn))
    assert report.answered == {"data": 2}
    assert len(list(folder(tmp_path, "0-0", "phone_lookups").iterdir())) == 1


def test_a_late_answer_settles_an_unknown_outcome_and_corrects_the_money(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 1)
    plan = add_plan(conn)
    leave_claims(conn, plan, ids, worker=900_001, overdue=True)
    run(dsn, tmp_path, FakeProvider(), plan, patience=NO_WAIT)
    assert states(conn) == {"unknown_outcome": 1}
    claim_id, run_id = conn.execute("SELECT claim_id, run_id FROM ledger.claims").fetchall()[0]
    facts = ExchangeFacts("ab" * 16, "twilio_lookup", run_id, "lookup", 1, 1.0, 9, 200, 50)
    spool = Spool(spool_folder(conn, tmp_path))
    late = settlement.answered(claim_id, 1, "data", 5000, b"{}", None, facts.columns())
    spool.append(late.line + late.line, 2)
    spool.close()
    run(dsn, tmp_path, FakeProvider(), plan, patience=NO_WAIT)
    assert states(conn) == {"answered": 1}
    assert plan_money(conn) == (0, 5_000)


def test_a_worker_that_loses_its_session_stops_sending_registers_anew_and_finishes(
    dsn: str, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    add_subjects(conn, 400)
    plan = add_plan(conn)
    cut: list[int] = []

    def behave(question: Question, nth: int) -> Mapping[str, Any] | None:
        if len(provider.asked) == 100 and not cut:
            with psycopg.connect(superuser_dsn, autocommit=True) as admin:
                killed = admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'bulk-lookup worker'"
                ).fetchall()
            cut.append(len(killed))
        return None

    provider = FakeProvider(delay=0.005, behave=behave)
    limits = {"twilio_lookup": ProviderLimits(concurrency=10)}
    report = run(dsn, tmp_path, provider, plan, limits=limits)
    assert cut == [1]
    assert states(conn) == {"answered": 400}
    assert set(provider.asked.values()) == {1}
    assert report.complete
    assert conn.execute("SELECT count(*) FROM ops.workers").fetchone() == (2,)


def test_every_session_cut_costs_a_pass_and_no_answer(
    dsn: str, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    add_subjects(conn, 400)
    plan = add_plan(conn)
    cut: list[int] = []

    def behave(question: Question, nth: int) -> Mapping[str, Any] | None:
        if len(provider.asked) in (100, 250) and len(cut) < len(provider.asked) // 100:
            with psycopg.connect(superuser_dsn, autocommit=True) as admin:
                killed = admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name LIKE 'bulk-lookup %' AND datname = current_database()"
                    " AND pid <> pg_backend_pid() AND application_name <> 'bulk-lookup test'"
                ).fetchall()
            cut.append(len(killed))
        return None

    provider = FakeProvider(delay=0.005, behave=behave)
    limits = {"twilio_lookup": ProviderLimits(concurrency=10)}
    report = run(dsn, tmp_path, provider, plan, limits=limits)
    assert len(cut) == 2
    assert states(conn) == {"answered": 400}
    assert set(provider.asked.values()) == {1}
    assert report.complete
    assert conn.execute(
        "SELECT reserved_micros, spent_micros FROM ledger.budgets WHERE scope = 'plan'"
    ).fetchone() == (0, 400 * 8_000)


def test_a_cancelled_run_finishes_what_is_on_the_wire_and_gives_back_the_rest(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 100)
    plan = add_plan(conn)
    provider = FakeProvider(delay=0.2)
    limits = {"twilio_lookup": ProviderLimits(concurrency=5)}

    async def scenario() -> None:
        task = asyncio.create_task(arun(dsn, tmp_path, provider, plan, limits=limits))
        await provider.busy.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(scenario())
    found = states(conn)
    assert found["answered"] == provider.calls
    assert set(found) <= {"answered", "failed"}
    run(dsn, tmp_path, provider, plan, patience=NO_WAIT)
    assert states(conn) == {"answered": 100}
    assert set(provider.asked.values()) == {1}
