"""Runs that failed: logged with their job and error class, and reported to Sentry.

Put here: telling somebody. Do not put here: retrying.
"""

from typing import Any

import dagster as dg
import structlog

_log = structlog.get_logger(__name__)


@dg.run_failure_sensor(
    name="run_failures_sensor",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Logs every failed run; an error-level log reaches Sentry.",
)
def run_failures_sensor(context: dg.RunFailureSensorContext) -> None:
    """Job, run, steps, classes of error; messages stay in Dagster, they may quote a file's name."""
    failed = context.get_step_failure_events()
    _log.error(
        "run_failed",
        job=context.dagster_run.job_name,
        run=context.dagster_run.run_id,
        partition=context.dagster_run.tags.get("dagster/partition"),
        steps=[event.step_key for event in failed],
        errors=[_root(event.step_failure_data.error) for event in failed],
    )


def _root(error: Any) -> str | None:
    """Class of the error that began it: Dagster wraps what a step raised."""
    while error is not None and error.cause is not None:
        error = error.cause
    return error.cls_name if error is not None else None
