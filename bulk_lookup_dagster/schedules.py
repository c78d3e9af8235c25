"""Schedules: nightly enrichment and housekeeping, in the business time zone.

Put here: cron. Do not put here: what runs (`jobs`).
https://docs.dagster.io/guides/automate/schedules
"""

import dagster as dg

from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.jobs import maintenance, nightly_enrichment

_DEFAULTS = Settings().schedules


def schedules(timezone: str) -> tuple[dg.ScheduleDefinition, ...]:
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
            (nightly_enrichment, _DEFAULTS.nightly_cron),
            (maintenance, _DEFAULTS.maintenance_cron),
        )
    )
