"""Businesses of ZIP codes: a request is a partition, not an upload batch.

Put here: this stage's asset and checks. Do not put here: asking and comparing
(`services.discovery`).
"""

import dagster as dg

from assets._step import questions_suite, report_metadata
from bulk_lookup_dagster.orchestration.checks import expectations_check, pandera_check
from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import ENRICHMENT, OWNERS, ZIPCODE_REQUESTS
from bulk_lookup_dagster.schemas.zipcode_businesses import zipcode_businesses_schema
from bulk_lookup_dagster.services.batch_frames import quarantine_limit
from bulk_lookup_dagster.services.discovery import run_request
from bulk_lookup_dagster.services.discovery_frames import (
    answers_of_request,
    questions_of_request,
)
from bulk_lookup_dagster.services.instance import Platform
from resources import google_places_records, yelp_records
from resources.google_places import GooglePlacesResource
from resources.yelp import YelpResource

NAME = "zipcode_businesses"


@dg.asset(
    name=NAME,
    partitions_def=ZIPCODE_REQUESTS,
    deps=["subjects"],
    group_name=ENRICHMENT,
    owners=OWNERS,
    kinds={"postgres", "google", "yelp"},
    code_version="1",
)
async def zipcode_businesses(
    context: dg.AssetExecutionContext,
    platform: dg.ResourceParam[Platform],
    google_places: GooglePlacesResource,
    yelp: YelpResource,
) -> dg.MaterializeResult[None]:
    """One page of businesses that a vendor lists in a ZIP code: ids and counts.

    Source: Google Places, and Yelp where Google lists nobody, under an approved plan
    (`bulk-lookup discover`). Partitioned by request. Names, addresses and numbers are compared with
    ours while the answer is there and never stored; no contact is made of them. Ids stay.
    """
    clients = {google_places_records.PROVIDER: google_places.client,
               yelp_records.PROVIDER: yelp.client}  # fmt: skip
    with explained():
        report = await run_request(
            platform, context.partition_key, dagster_run_id=context.run.run_id, clients=clients
        )
    for provider, reason in report.stopped.items():
        context.log.warning(f"{provider} was not asked to the end: {reason}")
    return dg.MaterializeResult(metadata=report_metadata(report))


ASSETS = (zipcode_businesses,)
CHECKS = (
    pandera_check(
        NAME,
        frame=answers_of_request,
        schema=zipcode_businesses_schema,
        max_share=quarantine_limit,
        block=None,
    ),
    expectations_check(NAME, frame=questions_of_request, suite=questions_suite(NAME)),
)
