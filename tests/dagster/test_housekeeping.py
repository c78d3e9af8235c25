"""Housekeeping, in process: each step alone, and the job that goes on where one fails."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.orchestration.vocabulary import ENRICH_JOB, MAINTENANCE_JOB
from bulk_lookup_dagster.services.housekeeping import forget_runs, purge, remove_parts, vacuum
from bulk_lookup_dagster.services.instance import Platform
from tests.fakes.story import platform_of, tell

Connection = psycopg.Connection[Any]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def home(dsn: str, owner_dsn: str, tmp_path: Path) -> Platform:
    platform = platform_of(dsn, tmp_path / "home")
    return replace(platform, migration_dsn=owner_dsn)


def add_run(
    instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus, run_id: str
) -> None:
    instance.add_run(dg.DagsterRun(job_name=job, run_id=run_id, status=status))


def test_old_runs_go_but_those_that_materialised_batches_and_live_ones_stay(
    instance: dg.DagsterInstance,
) -> None:
    done, failed = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
    ids = {name: f"00000000-0000-4000-8000-00000000000{n}" for n, name in enumerate("abcd")}
    add_run(instance, "build_marts", done, ids["a"])
    add_run(instance, ENRICH_JOB, done, ids["b"])
    add_run(instance, ENRICH_JOB, failed, ids["c"])
    add_run(instance, "build_marts", dg.DagsterRunStatus.STARTED, ids["d"])
    assert forget_runs(instance, 1) == 0
    assert forget_runs(instance, 0) == 2
    assert {run.run_id for run in instance.get_runs()} == {ids["b"], ids["d"]}


def test_f16_only_answers_past_their_time_are_purged(conn: Connection) -> None:
    tell(conn)
    conn.execute(
        "INSERT INTO ledger.bodies (claim_id, body, fetched_at, expires_at)"
        " SELECT claim_id, 'x', now() - interval '2 days',"
        "        CASE row_number() OVER (ORDER BY claim_id) WHEN 1 THEN now() - interval '1 hour'"
        "             WHEN 2 THEN now() + interval '1 hour' END"
        "   FROM ledger.claims ORDER BY claim_id LIMIT 3"
    )
    assert purge(conn) == 1
    assert purge(conn) == 0
    assert conn.execute("SELECT count(*) FROM ledger.bodies").fetchone() == (2,)


def test_only_old_half_written_files_of_ours_go(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    names = (".old.csv.part", ".young.csv.part", "old.csv", "old.part")
    paths = [tmp_path / "exports" / name for name in names]
    for path in paths:
        path.touch()
        if "old" in path.name:
            os.utime(path, (time.time() - 200_000,) * 2)
    assert remove_parts(tmp_path) == 1
    assert [path.exists() for path in paths] == [False, True, True, True]


def test_every_table_is_vacuumed_by_its_owner(home: Platform, conn: Connection) -> None:
    assert vacuum(home) >= 25
    analysed = conn.execute(
        "SELECT last_vacuum IS NOT NULL AND last_analyze IS NOT NULL FROM pg_stat_user_tables"
        " WHERE relid = 'ledger.claims'::regclass"
    ).fetchone()
    assert analysed == (True,)


def test_where_one_step_fails_the_others_are_done_and_the_job_says_so(
    home: Platform, conn: Connection, instance: dg.DagsterInstance
) -> None:
    job = build_defs("demo", overrides={"platform": home}).resolve_job_def(MAINTENANCE_JOB)
    assert job.execute_in_process(instance=instance).success

    broken = replace(home, migration_dsn="postgresql://nobody@127.0.0.1:9/none")
    job = build_defs("demo", overrides={"platform": broken}).resolve_job_def(MAINTENANCE_JOB)
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    failed = {event.step_key for event in result.all_events if event.is_step_failure}
    succeeded = {event.step_key for event in result.all_events if event.is_step_success}
    assert (failed, succeeded) == (
        {"vacuum_tables"},
        {"tidy_up", "purge_expired", "forget_old_runs"},
    )
