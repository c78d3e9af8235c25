"""Deactivated numbers: a file per day, not per upload batch.

Put here: this stage's asset. Do not put here: fetching and marking (`services.deactivations`).
"""

from datetime import date

import dagster as dg

from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import DAYS, ENRICHMENT, OWNERS
from bulk_lookup_dagster.services.deactivations import fetch_day
from bulk_lookup_dagster.services.instance import Platform
from resources.twilio_deactivations import TwilioDeactivationsResource
from resources.twilio_deactivations_records import PROVIDER


@dg.asset(
    partitions_def=DAYS,
    deps=["subjects"],
    group_name=ENRICHMENT,
    owners=OWNERS,
    kinds={"python", "postgres", "twilio"},
    code_version="1",
)
async def deactivations(
    context: dg.AssetExecutionContext,
    platform: dg.ResourceParam[Platform],
    twilio_deactivations: TwilioDeactivationsResource,
) -> dg.MaterializeResult[None]:
    """The numbers that carriers in the US took out of service on one day.

    Source: Twilio's daily deactivations, free. Partitioned by day, not by upload batch. Numbers of
    ours that stand in a file are marked at once; nothing is asked about them again by itself. Kept
    30 days.
    """
    with explained():
        day = await fetch_day(
            platform,
            date.fromisoformat(context.partition_key),
            clients={PROVIDER: twilio_deactivations.client},
            dagster_run_id=context.run.run_id,
        )
    for provider, reason in day.report.stopped.items():
        context.log.warning(f"{provider} was not asked: {reason}")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": day.report.answered["data"],
            "calls": day.report.requests,
            "marked now": day.marked,
            "failed": dict(day.report.failed),
        }
    )


ASSETS = (deactivations,)
