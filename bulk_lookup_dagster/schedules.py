"""Schedules: nightly enrichment, housekeeping and exports, in the business time zone.

Put here: cron. Do not put here: what runs (`jobs`).
https://docs.dagster.io/guides/automate/schedules
"""

from datetime import timedelta

import dagster as dg

from bulk_lookup_dagster.core.settings import ScheduleSettings
from bulk_lookup_dagster.jobs import (
    fetch_deactivations,
    maintenance,
    nightly_enrichment,
    read_trust_hub,
    write_exports,
)
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.scheduled_exports import nothing_scheduled
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.storage.database import connect


def schedules(timezone: str, clock: ScheduleSettings) -> tuple[dg.ScheduleDefinition, ...]:
    """All schedules, running by default."""
    always = tuple(
        dg.ScheduleDefinition(
            name=f"{job.name}_schedule",
            job=job,
            cron_schedule=cron,
            execution_timezone=timezone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
        for job, cron in (
            (nightly_enrichment, clock.nightly_cron),
            (maintenance, clock.maintenance_cron),
            (read_trust_hub, clock.trust_hub_cron),
        )
    )
    exports = dg.schedule(
        name=f"{write_exports.name}_schedule",
        job=write_exports,
        cron_schedule=clock.exports_cron,
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )(_look_at_exports)
    deactivations = dg.schedule(
        name=f"{fetch_deactivations.name}_schedule",
        job=fetch_deactivations,
        cron_schedule=clock.deactivations_cron,
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )(_yesterday)
    return (*always, exports, deactivations)


def _yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The day before the tick: its file is complete."""
    day = context.scheduled_execution_time.date() - timedelta(days=1)
    return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())


def _look_at_exports(
    _context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform]
) -> dg.RunRequest | dg.SkipReason:
    """A run where a filter is scheduled; else the reason why there is none."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup exports schedule") as conn:
        scheduled = load_settings(conn).exports.scheduled
    return dg.RunRequest() if scheduled else dg.SkipReason(str(nothing_scheduled()))
