"""FCC releases in Dagster: a partition each, and imported states keep themselves current."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.errors import ProviderError
from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.orchestration.vocabulary import FCC_JOB, FCC_RELEASES
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.simulation import dagster_resources
from tests.fakes.sandbox import SandboxProcess, running_sandbox

Connection = psycopg.Connection[Any]
OLDER, NEWER = "2025-06-30-04", "2025-12-31-04"
MONDAY = datetime(2026, 11, 23, 7, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess, conn: Connection) -> Platform:
    sandbox.control("DELETE", "log")
    environ = {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(platform.environment.home),
        "FCC_BASE_URL": f"{sandbox.url}/fcc",
    }
    change_settings(conn, "providers.fcc.requests_per_second", "1000", "me")
    return replace(platform, environment=read_environment(environ))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """One with an address, as the daemon's: a tick looks partitions up in it."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as stored:
        yield stored


def imported(
    platform: Platform, instance: dg.DagsterInstance, key: str
) -> dict[str, dg.MetadataValue[Any]]:
    """A partition's run; the metadata of its materialisation."""
    defs = build_defs("demo", overrides=dagster_resources(platform))
    instance.add_dynamic_partitions(str(FCC_RELEASES.name), [key])
    job = defs.resolve_job_def(FCC_JOB)
    done = job.execute_in_process(instance=instance, partition_key=key)
    (made,) = done.get_asset_materialization_events()
    assert made.partition == key
    return dict(made.materialization.metadata)


def tick(platform: Platform, instance: dg.DagsterInstance) -> Any:
    """What the schedule asks for."""
    resources = dagster_resources(platform)
    repository = build_defs("demo").get_repository_def()
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=MONDAY,
        resources={name: resources[name] for name in ("platform", "fcc")},
        repository_def=repository,
    )
    with context:
        return repository.get_schedule_def(f"{FCC_JOB}_schedule").evaluate_tick(context)


def calls(sandbox: SandboxProcess) -> int:
    return int(sandbox.control("GET", "summary?vendor=fcc")["requests"])


def test_a_partition_imports_exactly_its_release_and_never_over_a_newer_one(
    connected: Platform, conn: Connection, sandbox: SandboxProcess, instance: dg.DagsterInstance
) -> None:
    older = imported(connected, instance, OLDER)
    assert (older["release"].value, older["imported now"].value) == ("2025-06-30", True)
    newer = imported(connected, instance, NEWER)
    assert (newer["release"].value, newer["imported now"].value) == ("2025-12-31", True)
    before = calls(sandbox)
    again = imported(connected, instance, OLDER)
    assert (again["release"].value, again["imported now"].value) == ("2025-12-31", False)
    assert again["dagster/row_count"].value == newer["dagster/row_count"].value
    assert calls(sandbox) == before, "nobody was asked"
    rows = conn.execute("SELECT state_fips, as_of::text FROM enrichment.fcc_releases").fetchall()
    assert rows == [("04", "2025-12-31")]


def test_a_partition_that_is_no_release_fails_and_says_what_to_write(
    connected: Platform, instance: dg.DagsterInstance
) -> None:
    with pytest.raises(dg.Failure, match="2025-12-31-04"):
        imported(connected, instance, "2025-12-31")


def test_the_schedule_adds_a_partition_for_each_state_with_an_older_release(
    connected: Platform, sandbox: SandboxProcess, instance: dg.DagsterInstance
) -> None:
    imported(connected, instance, OLDER)
    before = calls(sandbox)
    asked = tick(connected, instance)
    (request,) = asked.run_requests
    assert (request.partition_key, request.run_key) == (NEWER, f"{NEWER}:2026-11-23")
    assert NEWER in instance.get_dynamic_partitions(str(FCC_RELEASES.name))
    assert calls(sandbox) == before + 1, "one list, whatever the number of states"
    assert imported(connected, instance, NEWER)["imported now"].value
    assert not tick(connected, instance).run_requests


def test_the_schedule_asks_nobody_without_a_state_and_says_who_cannot_be_asked(
    connected: Platform,
    platform: Platform,
    conn: Connection,
    sandbox: SandboxProcess,
    instance: dg.DagsterInstance,
) -> None:
    assert "bulk-lookup coverage" in (tick(connected, instance).skip_message or "")
    assert calls(sandbox) == 0
    conn.execute(
        "INSERT INTO enrichment.fcc_releases (state_fips, as_of, files, rows)"
        " VALUES ('04', '2025-06-30', 5, 1)"
    )
    off = tick(platform, instance)
    assert (off.run_requests, "cannot be asked" in (off.skip_message or "")) == ([], True)
    assert instance.get_dynamic_partitions(str(FCC_RELEASES.name)) == []


def test_a_list_that_cannot_be_read_is_an_error_and_not_nothing_new(
    connected: Platform, sandbox: SandboxProcess, instance: dg.DagsterInstance
) -> None:
    imported(connected, instance, OLDER)
    down = {"rates": {"unavailable": 1.0}, "clean_after": 100}
    sandbox.control("PUT", "faults?vendor=fcc", down)
    try:
        with pytest.raises(dg.DagsterUserCodeExecutionError) as failed:
            tick(connected, instance)
    finally:
        sandbox.control("PUT", "faults?vendor=fcc", {})
    assert isinstance(failed.value.user_exception, ProviderError)
