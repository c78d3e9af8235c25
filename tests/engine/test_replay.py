"""Replay rebuilds values from bodies, changes nothing else and lists what it could not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.engine.provider import Question
from bulk_lookup_dagster.engine.replay import ReplayReport, replay
from bulk_lookup_dagster.storage.database import connect_async
from tests.fakes.engine_run import run
from tests.fakes.ledger import add_plan, add_subjects, step
from tests.fakes.provider import CALLER_NAME, LINE_TYPE, FakeProvider

Connection = psycopg.Connection[Any]
_TABLES = ("enrichment.phone_lookups", "ledger.claims", "ledger.requests", "ledger.budgets")


def contents(conn: Connection) -> dict[str, list[Any]]:
    return {
        name: conn.execute(f"SELECT t::text FROM {name} t ORDER BY 1").fetchall()
        for name in _TABLES
    }


def rebuild(dsn: str, provider: FakeProvider) -> ReplayReport:
    async def once() -> ReplayReport:
        conn = await connect_async(dsn, autocommit=True)
        try:
            return await replay(conn, step(LINE_TYPE, CALLER_NAME), {provider.name: provider})
        finally:
            await conn.close()

    return asyncio.run(once())


def test_replay_rebuilds_exactly_what_was_there_and_asks_nobody(
    dsn: str, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    add_subjects(conn, 40)
    provider = FakeProvider(
        behave=lambda question, nth: {"carrier_name": f"Carrier {question.subject_id}"}
    )
    run(dsn, tmp_path, provider, add_plan(conn), LINE_TYPE, CALLER_NAME)
    before = contents(conn)
    with psycopg.connect(superuser_dsn) as admin:
        admin.execute("DELETE FROM enrichment.phone_lookups WHERE subject_id % 2 = 0")
        admin.execute("UPDATE enrichment.phone_lookups SET carrier_name = 'wrong'")
    report = rebuild(dsn, provider)
    assert contents(conn) == before
    assert (report.rebuilt, report.refused) == (80, 0)
    assert provider.calls == 40


def test_replay_lists_what_may_not_be_kept_any_more(
    dsn: str, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    add_subjects(conn, 5)
    provider = FakeProvider()
    run(dsn, tmp_path, provider, add_plan(conn))
    with psycopg.connect(superuser_dsn) as admin:
        admin.execute("DELETE FROM enrichment.phone_lookups")
        admin.execute("DELETE FROM ledger.bodies WHERE claim_id = 1")
        admin.execute(
            "UPDATE ledger.bodies SET fetched_at = now() - interval '2 days',"
            " expires_at = now() - interval '1 day' WHERE claim_id = 2"
        )
    report = rebuild(dsn, provider)
    assert report.rebuilt == 3
    assert report.not_replayed == {"body_purged": 1, "body_expired": 1}
    assert conn.execute("SELECT count(*) FROM enrichment.phone_lookups").fetchone() == (3,)


def test_a_corrected_parser_resolves_the_quarantine(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    ids = add_subjects(conn, 3)

    def behave(question: Question, nth: int) -> Mapping[str, Any] | None:
        return {"broken": True} if question.subject_id == ids[1] else None

    broken = FakeProvider(behave=behave)
    run(dsn, tmp_path, broken, add_plan(conn))

    class Corrected(FakeProvider):
        def parse(self, operation: str, body: bytes) -> Mapping[str, Any]:
            return {"line_type": "mobile"}

    assert rebuild(dsn, broken).refused == 1
    assert rebuild(dsn, Corrected()).rebuilt == 3
    open_rows = conn.execute("SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL")
    assert open_rows.fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM enrichment.phone_lookups").fetchone() == (3,)
