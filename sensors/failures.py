"""Runs that failed: logged with their job and error class, and reported to Sentry.

Put here: telling somebody. Do not put here: retrying.
"""

import dagster as dg
import structlog

_log = structlog.get_logger(__name__)


@dg.run_failure_sensor(
    name="run_failures_sensor",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Logs every failed run; an error-level log reaches Sentry.",
)
def run_failures_sensor(context: dg.RunFailureSensorContext) -> None:
    """Job, run and step; the message stays in Dagster, it may quote a file's name."""
    event = context.failure_event
    _log.error(
        "run_failed",
        job=context.dagster_run.job_name,
        run=context.dagster_run.run_id,
        partition=context.dagster_run.tags.get("dagster/partition"),
        step=event.step_key,
    )
