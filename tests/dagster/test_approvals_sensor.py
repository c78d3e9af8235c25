"""Approved plans: every batch gets its run, once at a time, and no failure ends that for good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.engine.worker import LOCK_CLASS
from bulk_lookup_dagster.intake.sample import write_sample
from bulk_lookup_dagster.orchestration.vocabulary import ENRICH_JOB, UPLOAD_BATCHES
from bulk_lookup_dagster.services.approvals import approve_plan
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import make_plan
from bulk_lookup_dagster.services.publishing import publish_batch, start_batch
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.uploads import load_upload
from bulk_lookup_dagster.storage.database import connect
from sensors import approvals
from sensors.approvals import approvals_sensor
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]
Repository = dg.RepositoryDefinition
Status = dg.DagsterRunStatus
FAILED = (Status.FAILURE, Status.CANCELED)


class Desk:
    """An upload of two batches under one plan; the sensor over it as Dagster evaluates it."""

    def __init__(
        self,
        platform: Platform,
        conn: Connection,
        folder: Path,
        repository: Repository,
    ) -> None:
        self.repository = repository
        write_sample(folder / "leads.csv", rows=200)
        self.platform, self.conn = platform, conn
        loaded = load_upload(
            platform.dsn, platform.secret_key, folder / "leads.csv", batch_rows=100
        )
        self.first, self.second = loaded.batches
        self.keys = [batch.partition_key for batch in loaded.batches]
        settings = load_settings(conn)
        self.plan = make_plan(conn, loaded.upload_id, settings, platform).plan_id
        self.instance = dg.DagsterInstance.ephemeral()
        self.instance.add_dynamic_partitions(str(UPLOAD_BATCHES.name), self.keys)
        self.used: set[str] = set()

    def approve(self) -> None:
        approve_plan(self.conn, self.plan, actor="ann")

    def tick(self, platform: Platform | None = None) -> list[str]:
        """Partitions for which Dagster would launch a run: it launches a run key only once."""
        with (
            dg.build_sensor_context(
                instance=self.instance,
                instance_ref=self.instance.get_ref() if self.instance.is_persistent else None,
                resources={"platform": platform or self.platform},
                repository_def=self.repository,
            ) as context,
            dg.partition_loading_context(dynamic_partitions_store=self.instance),
        ):
            found = approvals_sensor(15).evaluate_tick(context)
        for request in found.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(
                request.partitions_def_name, list(request.partition_keys)
            )
        requests = [one for one in found.run_requests or [] if one.run_key not in self.used]
        self.used |= {str(one.run_key) for one in requests}
        known = set(self.instance.get_dynamic_partitions(str(UPLOAD_BATCHES.name)))
        assert {one.partition_key for one in requests} <= known
        self._requests = {str(one.partition_key): one for one in requests}
        return sorted(self._requests)

    def launch(self, key: str, status: Status) -> str:
        """The run of the latest request for a batch, as Dagster's instance knows it."""
        tags = {**self._requests[key].tags, "dagster/partition": key}
        run = dg.DagsterRun(job_name=ENRICH_JOB, status=status, tags=tags)
        self.instance.add_run(run)
        return run.run_id

    def engine_run(self, batch_id: int, dagster_run_id: str | None, *, finished: bool) -> int:
        row = self.conn.execute(
            "INSERT INTO ledger.runs (kind, plan_id, batch_id, step, dagster_run_id, finished_at)"
            " VALUES ('batch', %s, %s, 'phone_lookups', %s, CASE WHEN %s THEN now() END)"
            " RETURNING run_id",
            (self.plan, batch_id, dagster_run_id, finished),
        ).fetchone()
        assert row is not None
        return int(row[0])

    def publish(self, batch_id: int) -> None:
        start_batch(self.conn, batch_id)
        assert publish_batch(self.conn, batch_id)


@pytest.fixture(scope="module")
def repository() -> Repository:
    return build_defs("demo").get_repository_def()


@pytest.fixture
def desk(dsn: str, conn: Connection, tmp_path: Path, repository: Repository) -> Iterator[Desk]:
    desk = Desk(platform_of(dsn, tmp_path / "home"), conn, tmp_path, repository)
    with desk.instance:
        yield desk


def test_nothing_is_asked_for_without_approval(desk: Desk) -> None:
    assert desk.tick() == []
    desk.approve()
    assert desk.tick() == desk.keys


def test_each_batch_is_asked_for_once_however_often_it_looks(desk: Desk) -> None:
    desk.approve()
    assert [desk.tick(), desk.tick()] == [desk.keys, []]


# A queued run needs a code location of its own to be made here; it counts as the others do.
@pytest.mark.parametrize("status", [one for one in approvals._LIVE if one != Status.QUEUED])
def test_a_batch_with_a_living_run_is_left_alone(desk: Desk, status: Status) -> None:
    desk.approve()
    desk.tick()
    desk.launch(desk.keys[0], status)
    desk.used.clear()
    assert desk.tick() == desk.keys[1:]


@pytest.mark.parametrize("status", FAILED)
def test_f13_a_run_that_ended_before_it_asked_anybody_is_tried_again(
    desk: Desk, status: Status
) -> None:
    desk.approve()
    ticks = []
    for _ in range(approvals.MAX_ATTEMPTS):
        ticks.append(desk.tick())
        desk.launch(desk.keys[0], status)
    assert ticks == [desk.keys, desk.keys[:1], desk.keys[:1]]
    assert desk.tick() == []  # enough


def test_f13_a_killed_run_that_never_said_it_ended_is_tried_again(desk: Desk) -> None:
    desk.approve()
    desk.tick()
    for status in FAILED:
        killed = desk.launch(desk.keys[0], status)
        desk.engine_run(desk.first.batch_id, killed, finished=False)
        assert desk.tick() == desk.keys[:1]


def test_a_run_outside_dagster_is_waited_for_while_its_process_lives(desk: Desk) -> None:
    desk.approve()
    run_id = desk.engine_run(desk.first.batch_id, None, finished=False)
    with connect(desk.platform.dsn, autocommit=True) as worker:
        worker_id = _claim_something(worker, desk.plan, run_id)
        worker.execute("SELECT pg_advisory_lock(%s, %s)", (LOCK_CLASS, worker_id))
        assert desk.tick() == desk.keys[1:]
    assert desk.tick() == desk.keys[:1]  # F13: its process is gone


def _claim_something(conn: Connection, plan_id: int, run_id: int) -> int:
    row = conn.execute(
        "INSERT INTO ops.workers (host, pid) VALUES ('here', 1) RETURNING worker_id"
    ).fetchone()
    assert row is not None
    conn.execute(
        "INSERT INTO ledger.claims (provider, operation, subject_id, params_hash, epoch, state,"
        " plan_id, run_id, budget_day, worker_id, reserved_micros, claimed_at, deadline_at)"
        " SELECT 'twilio_lookup', 'caller_name', min(subject_id), '', 0, 'claimed', %s, %s,"
        "        current_date, %s, 10000, now(), now() + interval '1 hour' FROM intake.subjects",
        (plan_id, run_id, row[0]),
    )
    return int(row[0])


def test_published_batches_and_three_attempts_end_it(desk: Desk) -> None:
    desk.approve()
    assert desk.tick() == desk.keys
    for attempt in range(approvals.MAX_ATTEMPTS):
        desk.engine_run(desk.first.batch_id, None, finished=True)
        desk.engine_run(desk.second.batch_id, None, finished=True)
        if attempt == 0:
            desk.publish(desk.second.batch_id)
        more = attempt + 1 < approvals.MAX_ATTEMPTS
        assert desk.tick() == (desk.keys[:1] if more else [])


def test_an_expired_or_cancelled_plan_asks_for_nothing(desk: Desk) -> None:
    desk.approve()
    desk.conn.execute(
        "UPDATE ledger.plans SET approved_at = now() - interval '2 days',"
        " expires_at = now() - interval '1 day'"
    )
    assert desk.tick() == []
    desk.approve()
    desk.conn.execute("UPDATE ledger.plans SET state = 'cancelled'")
    assert desk.tick() == []
    assert desk.used == set()


def test_a_tick_that_fails_is_an_error_and_loses_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.approve()
    nowhere = platform_of("postgresql://nobody@127.0.0.1:9/nothing", tmp_path / "home")
    with pytest.raises(StorageError, match="Cannot connect"):
        desk.tick(nowhere)
    assert desk.tick() == desk.keys


def test_exhausted_batches_never_hide_waiting_ones(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals, "MAX_REQUESTS", 1)
    desk.approve()
    for _ in range(approvals.MAX_ATTEMPTS):
        assert desk.tick() == desk.keys[:1]
        desk.launch(desk.keys[0], Status.FAILURE)
    assert desk.tick() == desk.keys[1:]


def test_batches_loaded_outside_dagster_become_partitions_with_their_request(
    desk: Desk, tmp_path: Path
) -> None:
    desk.approve()
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as desk.instance:
        assert desk.instance.get_dynamic_partitions("upload_batch") == []
        assert desk.tick() == desk.keys
        assert sorted(desk.instance.get_dynamic_partitions("upload_batch")) == desk.keys
