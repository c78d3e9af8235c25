"""What a claim statement reads: the rows it asks for, however long the ledger is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bulk_lookup_dagster.engine import budget, due
from bulk_lookup_dagster.engine.claims import ClaimTerms, claim
from bulk_lookup_dagster.engine.worker import Worker
from bulk_lookup_dagster.storage.database import connect_async
from tests.fakes.ledger import ALL_PHONES, PRICE_LIST, add_plan, add_run, add_subjects, step
from tests.fakes.provider import LINE_TYPE

_OLD_CLAIMS = """
    INSERT INTO ledger.claims (provider, operation, subject_id, params_hash, epoch, state,
                               worker_id, plan_id, run_id, budget_day, reserved_micros, claimed_at,
                               deadline_at)
    SELECT 'other', 'op', s.subject_id, n::text::bytea, 0, 'claimed', %(worker)s, %(plan)s,
           %(run)s, current_date, 0, now(), now()
      FROM intake.subjects s, generate_series(1, 4) n
"""
_READ = """
    SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relid = 'ledger.claims'::regclass
"""


def test_a_claim_never_reads_the_whole_ledger(dsn: str, conn: psycopg.Connection[Any]) -> None:
    add_subjects(conn, 10_000)
    plan = add_plan(conn)
    run = add_run(conn, plan)

    async def read() -> tuple[int, int]:
        worker = await Worker.register(dsn)
        old = {"plan": plan, "run": run, "worker": worker.worker_id}
        conn.execute(_OLD_CLAIMS, old)
        conn.execute("ANALYZE ledger.claims")
        session = await connect_async(dsn, autocommit=True)
        try:
            await budget.set_cap(session, "plan", str(plan), 10**12)
            await due.list_due(
                session, step(LINE_TYPE), ALL_PHONES, providers=["twilio_lookup"],
                price_list=PRICE_LIST, plan_id=plan, refresh_after=None, seed=1,
            )  # fmt: skip
            terms = ClaimTerms(
                "twilio_lookup", plan, run, datetime.now(UTC).date(), worker.worker_id,
                timedelta(seconds=30),
            )  # fmt: skip
            async with session.transaction():
                batch = await claim(session, terms, after=0, subjects=20)
                found = await (await session.execute(_READ)).fetchone()
            assert found is not None
            return len(batch.subjects), found[0]
        finally:
            await session.close()
            await worker.close()

    assert asyncio.run(read()) == (20, 0)
