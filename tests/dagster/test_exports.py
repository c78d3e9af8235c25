"""Exports by schedule: asked for only where configured, complete, logged, removed in time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.orchestration.vocabulary import EXPORTS_JOB, MAINTENANCE_JOB
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import change_settings
from tests.fakes.exported import READERS
from tests.fakes.story import platform_of, tell

Connection = psycopg.Connection[Any]


@pytest.fixture
def platform(dsn: str, tmp_path: Path) -> Platform:
    return platform_of(dsn, tmp_path / "home")


@pytest.fixture
def defs(platform: Platform) -> dg.Definitions:
    return build_defs("demo", overrides={"platform": platform})


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def told(conn: Connection) -> Connection:
    """Two loaded uploads, and two filters exported by schedule."""
    tell(conn)
    change_settings(conn, "exports.saved.mobiles", '["line_type=mobile"]', "me")
    change_settings(conn, "exports.saved.everybody", "[]", "me")
    change_settings(conn, "exports.scheduled", '["mobiles", "everybody"]', "me")
    return conn


def write(
    defs: dg.Definitions, instance: dg.DagsterInstance, *, raises: bool = True
) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def(EXPORTS_JOB)
    return job.execute_in_process(instance=instance, raise_on_error=raises)


def files(platform: Platform) -> list[Path]:
    return sorted((platform.environment.home / "files" / "exports").iterdir())


def tick(defs: dg.Definitions, instance: dg.DagsterInstance) -> dg.ScheduleExecutionData:
    found = defs.get_repository_def().get_schedule_def(f"{EXPORTS_JOB}_schedule")
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=datetime.now(UTC),
        resources=defs.resources,
    )
    return found.evaluate_tick(context)


def test_nothing_scheduled_is_a_reason_on_the_tick_and_a_failure_by_hand(
    defs: dg.Definitions, instance: dg.DagsterInstance, conn: Connection
) -> None:
    skipped = tick(defs, instance)
    assert skipped.run_requests == []
    assert "exports.scheduled" in str(skipped.skip_message)
    result = write(defs, instance, raises=False)
    (failure,) = [event for event in result.all_node_events if event.is_step_failure]
    assert "exports.scheduled" in str(failure.step_failure_data.user_failure_data)


def test_what_is_scheduled_is_asked_for(
    defs: dg.Definitions, instance: dg.DagsterInstance, told: Connection
) -> None:
    asked = tick(defs, instance)
    assert [request.run_key for request in asked.run_requests or ()] == [None]


@pytest.mark.parametrize("kind", READERS)
def test_every_scheduled_filter_becomes_a_file_and_a_row_and_names_nobody(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    platform: Platform,
    told: Connection,
    kind: str,
) -> None:
    change_settings(told, "exports.scheduled_format", kind, "me")
    result = write(defs, instance)
    everybody, mobiles = files(platform)
    rows = {path.name.split("-")[0]: len(READERS[kind](path)) - 1 for path in (everybody, mobiles)}
    assert rows == {"everybody": 20, "mobiles": 1}
    logged = told.execute(
        "SELECT file_uri, selection, row_count, size_bytes, exported_by, scheduled"
        "  FROM ops.exports ORDER BY file_uri"
    ).fetchall()
    assert logged == [
        (everybody.as_uri(), "saved everybody", 20, everybody.stat().st_size, "schedule", True),
        (
            mobiles.as_uri(),
            "saved mobiles; line_type=mobile",
            1,
            mobiles.stat().st_size,
            "schedule",
            True,
        ),
    ]
    (made,) = result.asset_materializations_for_node("exports")
    metadata = {name: entry.value for name, entry in made.metadata.items()}
    sizes = [path.stat().st_size for path in (everybody, mobiles)]
    assert (metadata["dagster/row_count"], metadata["bytes"]) == (21, sum(sizes))
    assert metadata["rows by filter"] == {"everybody": 20, "mobiles": 1}
    assert "Ada" not in json.dumps(metadata)


def test_a_filter_that_fails_holds_up_no_other_and_the_run_says_which(
    defs: dg.Definitions, instance: dg.DagsterInstance, platform: Platform, told: Connection
) -> None:
    change_settings(told, "exports.max_rows", "5", "me")
    result = write(defs, instance, raises=False)
    assert not result.success
    (failure,) = [event for event in result.all_node_events if event.is_step_failure]
    assert "everybody" in str(failure.step_failure_data.user_failure_data)
    assert [path.name.split("-")[0] for path in files(platform)] == ["mobiles"]


def test_f16_files_past_their_time_go_also_when_nothing_is_scheduled_any_more(
    defs: dg.Definitions, instance: dg.DagsterInstance, platform: Platform, told: Connection
) -> None:
    write(defs, instance)
    old = files(platform)
    strangers = platform.environment.home / "files" / "exports" / "strangers.csv"
    strangers.touch()
    age = "UPDATE ops.exports SET exported_at = now() - interval '31 days' WHERE row_count = %s"
    told.execute(age, (1,))
    write(defs, instance)
    kept = files(platform)
    assert (len(kept), old[0] in kept, old[1] in kept) == (4, True, False)

    change_settings(told, "exports.scheduled", "[]", "me")
    told.execute("UPDATE ops.exports SET exported_at = now() - interval '31 days'")
    job = defs.resolve_job_def(MAINTENANCE_JOB)
    job.execute_in_process(instance=instance, raise_on_error=False)
    assert files(platform) == [strangers]
    left = told.execute("SELECT count(*) FROM ops.exports WHERE removed_at IS NULL").fetchone()
    assert left == (0,)


def test_only_saved_filters_are_scheduled_and_those_are_not_forgotten(told: Connection) -> None:
    with pytest.raises(InputError, match="no filter is saved"):
        change_settings(told, "exports.scheduled", '["nobody"]', "me")
    with pytest.raises(InputError, match="no filter is saved"):
        change_settings(told, "exports.saved", "{}", "me")
    with pytest.raises(InputError, match="scheduled twice"):
        change_settings(told, "exports.scheduled", '["mobiles", "mobiles"]', "me")
