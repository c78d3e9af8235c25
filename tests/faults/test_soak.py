"""Families F30, F53, F59: runs end in time, leave nothing open and do not grow."""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bulk_lookup_dagster.engine.options import ProviderLimits
from tests.fakes.engine_run import arun, run
from tests.fakes.ledger import add_plan, add_subjects
from tests.fakes.provider import FakeProvider

Connection = psycopg.Connection[Any]


def sessions_left(conn: Connection) -> int:
    """Open client sessions; the server needs a moment to notice that one was closed."""
    left = 0
    for _ in range(100):
        (left, _), *_ = conn.execute(
            "SELECT count(*), pg_sleep(0.05) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend'"
        ).fetchall()
        if left == 1:
            break
    return left


def test_f59_many_small_runs_leave_memory_files_and_sessions_flat(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    plan = add_plan(conn)
    process = psutil.Process()
    provider = FakeProvider()

    def runs(count: int) -> tuple[int, int]:
        for _ in range(count):
            add_subjects(conn, 3)
            run(dsn, tmp_path, provider, plan)
        gc.collect()
        return process.memory_info().rss, process.num_fds()

    memory, files = runs(25)
    grown, still = runs(75)
    assert still == files
    assert grown - memory < 8 * 1024 * 1024
    assert sessions_left(conn) == 1
    assert provider.calls == 300
    assert list(tmp_path.rglob("*.spool")) == []


def test_f53_a_run_leaves_no_task_and_no_session_behind(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    plan = add_plan(conn)
    run(dsn, tmp_path, FakeProvider(), plan)
    add_subjects(conn, 50)
    before = psutil.Process().num_fds()

    async def scenario() -> set[asyncio.Task[Any]]:
        await arun(dsn, tmp_path, FakeProvider(delay=0.01), plan)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(scenario()) == set()
    assert sessions_left(conn) == 1
    assert psutil.Process().num_fds() == before


def test_f30_a_run_ends_at_its_deadline_and_leaves_the_rest_due(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 200)
    plan = add_plan(conn)
    provider = FakeProvider(delay=0.1)
    report = run(
        dsn,
        tmp_path,
        provider,
        plan,
        deadline=timedelta(seconds=1),
        limits={"twilio_lookup": ProviderLimits(concurrency=1)},
    )
    assert report.left_due == {"deadline": 200 - provider.calls}
    assert 0 < provider.calls < 200
    assert report.answered == {"data": provider.calls}
