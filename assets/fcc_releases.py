"""FCC releases: a release of one state is a partition, not an upload batch.

Put here: this stage's asset. Do not put here: fetching and replacing (`services.fcc_import`).
"""

import dagster as dg

from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import ENRICHMENT, FCC_RELEASES, OWNERS
from bulk_lookup_dagster.services.fcc_import import import_release
from bulk_lookup_dagster.services.fcc_releases import Release
from bulk_lookup_dagster.services.instance import Platform
from resources.fcc import FccResource
from resources.fcc_records import PROVIDER


@dg.asset(
    partitions_def=FCC_RELEASES,
    group_name=ENRICHMENT,
    owners=OWNERS,
    kinds={"python", "postgres", "fcc"},
    code_version="1",
)
async def fcc_releases(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform], fcc: FccResource
) -> dg.MaterializeResult[None]:
    """Which release of the FCC's broadband availability is in of one state, and its rows.

    Source: the FCC's Broadband Data Collection, free, twice a year. Partitioned by release and
    state, not by upload batch. A release replaces the one before and never a newer one: then nobody
    is asked. Public domain: kept.
    """
    with explained():
        done = await import_release(
            platform, Release.parse(context.partition_key), clients={PROVIDER: fcc.client}
        )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": done.rows,
            "files": done.files,
            "release": done.as_of.isoformat(),
            "imported now": done.new,
        }
    )


ASSETS = (fcc_releases,)
