"""Publishing: a batch whose checks passed becomes visible to the marts.

Put here: the end of a batch's chain. Do not put here: building marts (`marts`).
"""

import dagster as dg

from bulk_lookup_dagster.core.errors import ApprovalNeeded
from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import OWNERS, PUBLISHING, UPLOAD_BATCHES
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.publishing import finish_plan, publish_batch
from bulk_lookup_dagster.services.runs import approved_plan_of, find_batch
from bulk_lookup_dagster.services.steps import BATCH_STEPS
from bulk_lookup_dagster.storage.database import connect


@dg.asset(
    partitions_def=UPLOAD_BATCHES,
    group_name=PUBLISHING,
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=[*BATCH_STEPS, "ledger_claims", "ledger_requests", "quarantine", "quality_scores"],
    code_version="1",
)
def batches(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[None]:
    """One batch of at most 25,000 rows; published here, once its blocking checks have passed.

    Marks the marts for building and closes the plan when nothing of it is due any more.
    """
    with explained(), connect(platform.dsn, autocommit=True, name="bulk-lookup publish") as conn:
        batch = find_batch(conn, context.partition_key)
        published = publish_batch(conn, batch.batch_id)
        try:
            closed = finish_plan(conn, approved_plan_of(conn, batch.upload_id), platform.secret_key)
        except ApprovalNeeded:
            closed = True
    return dg.MaterializeResult(
        metadata={"batch": batch.batch_id, "newly published": published, "plan closed": closed}
    )


contact_status = dg.AssetSpec(
    "contact_status",
    description="How far each contact is: new, waiting for approval, in progress, partial, "
    "complete, blocked. A view over its steps.",
    deps=["contacts", *BATCH_STEPS, "batches"],
    group_name=PUBLISHING,
    owners=OWNERS,
    kinds={"postgres", "view"},
)
mart_changes = dg.AssetSpec(
    "mart_changes",
    description="An entity the marts must look at again, noted by triggers and forgotten by the "
    "build that did.",
    deps=["contacts", *BATCH_STEPS, "ledger_claims", "batches"],
    group_name=PUBLISHING,
    owners=OWNERS,
    kinds={"postgres"},
)
mart_builds = dg.AssetSpec(
    "mart_builds",
    description="When a build of the marts began and ended.",
    group_name=PUBLISHING,
    owners=OWNERS,
    kinds={"postgres"},
)

ASSETS = (batches, contact_status, mart_changes, mart_builds)
