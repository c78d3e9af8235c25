"""Trust Hub profiles: our own account, read as a whole; no upload leads to it.

Put here: this stage's asset and checks. Do not put here: reading and matching
(`services.trust_hub`).
"""

import dagster as dg

from assets._step import table_checks
from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import ENRICHMENT, OWNERS
from bulk_lookup_dagster.schemas.trust_hub_profiles import (
    COLUMNS,
    NUMBERS,
    trust_hub_profiles_schema,
)
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.steps.trust_hub_profiles import TRUST_HUB_PROFILES
from bulk_lookup_dagster.services.trust_hub import read_trust_hub
from resources.twilio_trust_hub import TwilioTrustHubResource
from resources.twilio_trust_hub_records import PROVIDER


@dg.asset(
    deps=["subjects", "company_profiles"],
    group_name=ENRICHMENT,
    owners=OWNERS,
    kinds={"python", "postgres", "twilio"},
    code_version="1",
)
async def trust_hub_profiles(
    context: dg.AssetExecutionContext,
    platform: dg.ResourceParam[Platform],
    twilio_trust_hub: TwilioTrustHubResource,
) -> dg.MaterializeResult[None]:
    """One answer about a list, profile or trust product of our own Trust Hub account.

    Source: Twilio Trust Hub, read only and free. Unpartitioned: no upload leads to it. A profile
    in review is looked at again until Twilio tells its verdict. Kept 30 days.
    """
    with explained():
        reading = await read_trust_hub(
            platform,
            clients={PROVIDER: twilio_trust_hub.client},
            dagster_run_id=context.run.run_id,
        )
    for provider, reason in reading.stopped.items():
        context.log.warning(f"{provider} was not asked: {reason}")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": reading.profiles,
            "calls": reading.requests,
            "in review": reading.in_review,
            "belong to companies of contacts": reading.matched,
            "failed": reading.failed,
        }
    )


ASSETS = (trust_hub_profiles,)
CHECKS = table_checks(TRUST_HUB_PROFILES, trust_hub_profiles_schema, COLUMNS, numbers=NUMBERS)
