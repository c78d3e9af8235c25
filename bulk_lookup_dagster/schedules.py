"""Schedules: nightly enrichment, housekeeping and exports, in the business time zone.

Put here: cron. Do not put here: what runs (`jobs`).
https://docs.dagster.io/guides/automate/schedules
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dagster as dg

from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.core.settings import ScheduleSettings
from bulk_lookup_dagster.jobs import (
    fetch_deactivations,
    import_fcc_releases,
    maintenance,
    nightly_enrichment,
    read_trust_hub,
    write_exports,
)
from bulk_lookup_dagster.orchestration.vocabulary import FCC_RELEASES
from bulk_lookup_dagster.services.fcc_releases import imported_states, newest_release, outdated
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.scheduled_exports import nothing_scheduled
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.storage.database import connect
from resources.fcc import FccResource
from resources.fcc_records import PROVIDER as FCC

_TICK_SECONDS = 45  # of the 60 a tick has


def schedules(timezone: str, clock: ScheduleSettings) -> tuple[dg.ScheduleDefinition, ...]:
    """All schedules, running by default; some look first whether there is something to do."""
    listed: tuple[tuple[Any, str, Callable[..., Any] | None], ...] = (
        (nightly_enrichment, clock.nightly_cron, None),
        (maintenance, clock.maintenance_cron, None),
        (read_trust_hub, clock.trust_hub_cron, None),
        (write_exports, clock.exports_cron, _look_at_exports),
        (fetch_deactivations, clock.deactivations_cron, _yesterday),
        (import_fcc_releases, clock.fcc_cron, _new_releases),
    )
    found = []
    for job, cron, look in listed:
        options: dict[str, Any] = {
            "name": f"{job.name}_schedule",
            "job": job,
            "cron_schedule": cron,
            "execution_timezone": timezone,
            "default_status": dg.DefaultScheduleStatus.RUNNING,
        }
        found.append(dg.schedule(**options)(look) if look else dg.ScheduleDefinition(**options))
    return tuple(found)


def _yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The day before the tick: its file is complete."""
    day = context.scheduled_execution_time.date() - timedelta(days=1)
    return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())


def _new_releases(
    context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform], fcc: FccResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """A run per state whose release is not the FCC's newest; what failed is asked for again."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup fcc schedule") as conn:
        states = imported_states(conn)
    if not states:
        return dg.SkipReason("No state was imported yet: bulk-lookup coverage STATE.")
    listed = newest_release(platform, {FCC: fcc.client})
    try:
        newest = asyncio.run(asyncio.wait_for(listed, _TICK_SECONDS))
    except ConfigError as error:
        return dg.SkipReason(str(error))
    keys = [release.key for release in outdated(states, newest)]
    if not keys:
        return dg.SkipReason(f"Every imported state has the newest release, {newest}.")
    context.instance.add_dynamic_partitions(str(FCC_RELEASES.name), keys)
    day = context.scheduled_execution_time.date()
    return [dg.RunRequest(run_key=f"{key}:{day}", partition_key=key) for key in keys]


def _look_at_exports(
    _context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform]
) -> dg.RunRequest | dg.SkipReason:
    """A run where a filter is scheduled; else the reason why there is none."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup exports schedule") as conn:
        scheduled = load_settings(conn).exports.scheduled
    return dg.RunRequest() if scheduled else dg.SkipReason(str(nothing_scheduled()))
