"""Schedules: nightly enrichment and housekeeping, in the business time zone.

Put here: cron. Do not put here: what runs (`jobs`).
https://docs.dagster.io/guides/automate/schedules
"""

import dagster as dg

from bulk_lookup_dagster.core.settings import ScheduleSettings
from bulk_lookup_dagster.jobs import maintenance, nightly_enrichment


def schedules(timezone: str, clock: ScheduleSettings) -> tuple[dg.ScheduleDefinition, ...]:
    """All schedules, running by default."""
    return tuple(
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
        )
    )
