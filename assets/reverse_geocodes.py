"""Reverse geocodes: the addresses at points that people named; no upload leads to them.

Put here: this stage's asset and checks. Do not put here: asking (`services.reverse_geocoding`).
"""

import dagster as dg

from assets._step import report_metadata, table_checks
from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import ENRICHMENT, OWNERS
from bulk_lookup_dagster.schemas.reverse_geocodes import (
    COLUMNS,
    NUMBERS,
    reverse_geocodes_schema,
)
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.reverse_geocoding import run_approved
from bulk_lookup_dagster.services.steps.reverse_geocodes import REVERSE_GEOCODES
from resources.google_geocoding import GoogleGeocodingResource
from resources.google_geocoding_records import PROVIDER


@dg.asset(
    deps=["subjects"],
    group_name=ENRICHMENT,
    owners=OWNERS,
    kinds={"postgres", "google"},
    code_version="1",
)
async def reverse_geocodes(
    context: dg.AssetExecutionContext,
    platform: dg.ResourceParam[Platform],
    google_geocoding: GoogleGeocodingResource,
) -> dg.MaterializeResult[None]:
    """The address at a point, by Google's place id.

    Source: Google Geocoding at list price, under approved plans (`bulk-lookup reverse-geocode`).
    Unpartitioned. The text of an address is never stored, its own point goes after 29 days, place
    ids stay.
    """
    with explained():
        reports = await run_approved(
            platform,
            clients={PROVIDER: google_geocoding.client},
            dagster_run_id=context.run.run_id,
        )
    for report in reports:
        for provider, reason in report.stopped.items():
            context.log.warning(f"{provider} was not asked to the end: {reason}")
        context.log.info(f"run {report.run_id}: {report_metadata(report)}")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(sum(report.answered.values()) for report in reports),
            "plans": len(reports),
            "calls": sum(report.requests for report in reports),
        }
    )


ASSETS = (reverse_geocodes,)
CHECKS = table_checks(REVERSE_GEOCODES, reverse_geocodes_schema, COLUMNS, numbers=NUMBERS)
