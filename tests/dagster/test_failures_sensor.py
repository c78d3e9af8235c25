"""Failed runs are told with job, run, step and class of error, and with nothing personal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest
from structlog.testing import capture_logs

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.orchestration.failures import explained
from sensors.failures import run_failures_sensor

PERSONAL = ("+14155550100", "ada@example.test", "Ada Lovelace")
PARTITION = "2026-11-01-a1b2c3d4-001"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _plain() -> None:
    raise ValueError(f"cannot read {PERSONAL}")


def _ours() -> None:
    with explained():
        raise StorageError(f"The file of {PERSONAL} is broken.", fix=f"Ask {PERSONAL[2]}.")


def _nested() -> None:
    try:
        _plain()
    except ValueError as error:
        raise RuntimeError(f"while loading {PERSONAL[0]}") from error


def _job(act: Callable[[], None]) -> dg.JobDefinition:
    @dg.op
    def look() -> None:
        act()

    @dg.op(ins={"after": dg.In(dg.Nothing)})
    def publish() -> None:
        raise AssertionError("never reached")

    @dg.job
    def enrich() -> None:
        publish(after=look())

    return enrich


def told(instance: dg.DagsterInstance, run: dg.DagsterRun, event: dg.DagsterEvent) -> list[Any]:
    """What the sensor logs about a failed run, as the daemon calls it."""
    context = dg.build_run_status_sensor_context(
        sensor_name=run_failures_sensor.name,
        dagster_event=event,
        dagster_instance=instance,
        dagster_run=run,
    ).for_run_failure()
    with capture_logs() as lines:
        run_failures_sensor(context)
    return lines


@pytest.mark.parametrize(
    "act,error", [(_plain, "ValueError"), (_ours, "StorageError"), (_nested, "ValueError")]
)
def test_f48_a_failed_run_is_told_once_with_its_step_and_what_began_it(
    instance: dg.DagsterInstance, act: Callable[[], None], error: str
) -> None:
    result = _job(act).execute_in_process(
        instance=instance, raise_on_error=False, tags={"dagster/partition": PARTITION}
    )
    (failure,) = [event for event in result.all_events if event.is_job_failure]
    lines = told(instance, result.dagster_run, failure)
    assert lines == [
        {
            "event": "run_failed",
            "log_level": "error",  # what Sentry is sent
            "job": "enrich",
            "run": result.run_id,
            "partition": PARTITION,
            "steps": ["look"],
            "errors": [error],
        }
    ]
    text = json.dumps(lines)
    assert not [value for value in PERSONAL if value in text]
    assert "Traceback" not in text


def test_a_run_whose_worker_died_before_any_step_is_told_too(instance: dg.DagsterInstance) -> None:
    run = dg.DagsterRun(job_name="enrich", status=dg.DagsterRunStatus.STARTED)
    instance.add_run(run)
    event = instance.report_run_failed(run, message=f"worker of {PERSONAL[2]} died")
    (line,) = told(instance, run, event)
    assert (line["run"], line["steps"], line["errors"]) == (run.run_id, [], [])
    assert PERSONAL[2] not in json.dumps(line)
