"""Golden contacts: the best value of each field of the contacts that are one.

Put here: this stage's asset. Do not put here: survivorship (`matching.golden_rules`).
"""

import dagster as dg

from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import MATCHING, OWNERS, UPLOAD_BATCHES
from bulk_lookup_dagster.services.golden import build_contacts
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.runs import find_batch
from bulk_lookup_dagster.storage.database import connect


@dg.asset(
    partitions_def=UPLOAD_BATCHES,
    group_name=MATCHING,
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=["match_clusters"],
    code_version="1",
)
def golden_contacts(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[None]:
    """One person or organisation as the platform knows it, whichever contacts say so.

    Built anew where its contacts, a pin or an answer about the batch's numbers changed. Free.
    """
    with explained(), connect(platform.dsn, autocommit=True, name="bulk-lookup golden") as conn:
        built = build_contacts(conn, find_batch(conn, context.partition_key).batch_id)
    return dg.MaterializeResult(metadata={"built": built})


ASSETS = (golden_contacts,)
CHECKS = ()
