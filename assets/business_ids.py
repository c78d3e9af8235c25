"""Ids of businesses: all that discovery keeps, as they age; no upload leads to them.

Put here: this stage's asset and checks. Do not put here: asking and replacing
(`services.business_ids`).
"""

import dagster as dg

from assets._step import table_checks
from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import ENRICHMENT, OWNERS
from bulk_lookup_dagster.schemas.business_ids import COLUMNS, business_ids_schema
from bulk_lookup_dagster.services.business_ids import refresh_ids
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.steps.business_ids import BUSINESS_IDS
from resources.google_places import GooglePlacesResource
from resources.google_places_records import PROVIDER


@dg.asset(
    deps=["zipcode_businesses"],
    group_name=ENRICHMENT,
    owners=OWNERS,
    kinds={"postgres", "google"},
    code_version="1",
)
async def business_ids(
    context: dg.AssetExecutionContext,
    platform: dg.ResourceParam[Platform],
    google_places: GooglePlacesResource,
) -> dg.MaterializeResult[None]:
    """What Google says of one place id of ours that was a year old: the same, another, or gone.

    Source: Google Places, free of charge; part of every nightly run. Unpartitioned: no upload leads
    to it. Kept without a time limit.
    """
    with explained():
        done = await refresh_ids(
            platform,
            clients={PROVIDER: google_places.client},
            dagster_run_id=context.run.run_id,
        )
    for provider, reason in done.report.stopped.items():
        context.log.warning(f"{provider} was not asked: {reason}")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": done.confirmed + done.replaced + done.gone,
            "due": done.due,
            "calls": done.report.requests,
            "confirmed": done.confirmed,
            "replaced": done.replaced,
            "gone": done.gone,
        }
    )


ASSETS = (business_ids,)
CHECKS = table_checks(BUSINESS_IDS, business_ids_schema, COLUMNS)
