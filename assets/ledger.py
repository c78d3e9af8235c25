"""The ledger as a batch's steps leave it: claims, requests, refused answers.

Put here: tables every step writes. Do not put here: the steps (one file each).
"""

import dagster as dg

from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import ENRICHMENT, OWNERS, UPLOAD_BATCHES
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.ledger_counts import count_run
from bulk_lookup_dagster.services.steps import BATCH_STEPS
from bulk_lookup_dagster.storage.database import connect

Result = dg.MaterializeResult[None]


def _spec(key: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        description=description,
        deps=BATCH_STEPS,
        group_name=ENRICHMENT,
        owners=OWNERS,
        kinds={"python", "postgres"},
        code_version="1",
    )


@dg.multi_asset(
    name="ledger",
    partitions_def=UPLOAD_BATCHES,
    specs=[
        _spec("ledger_claims", "The right to one answer, and what it cost."),
        _spec("ledger_requests", "One HTTP exchange with a vendor."),
        _spec("quarantine", "One answer that broke a rule; its paid body is kept."),
    ],
)
def ledger(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> tuple[Result, Result, Result]:
    """Report what this run's steps added for the batch."""
    with explained(), connect(platform.dsn, autocommit=True, name="bulk-lookup ledger") as conn:
        counts = count_run(conn, context.run.run_id)
    return (
        dg.MaterializeResult(
            asset_key="ledger_claims",
            metadata={"dagster/row_count": counts.claims, "cost": counts.cost},
        ),
        dg.MaterializeResult(
            asset_key="ledger_requests", metadata={"dagster/row_count": counts.requests}
        ),
        dg.MaterializeResult(
            asset_key="quarantine", metadata={"dagster/row_count": counts.quarantined}
        ),
    )


ASSETS = (ledger,)
