"""Matching: contacts become keys, pairs and clusters, new ones against all.

Put here: this stage's assets and checks. Do not put here: matching (`matching`), golden contacts.
"""

import dagster as dg

from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import MATCHING, OWNERS, UPLOAD_BATCHES
from bulk_lookup_dagster.services.golden import read_figures, run_matching
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps import BATCH_STEPS
from bulk_lookup_dagster.storage.database import connect

Result = dg.MaterializeResult[None]
LARGEST = 15
"""Contacts beyond which a cluster is no person; the model's own limit holds automatic merges."""


def _spec(key: str, description: str, *deps: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        description=description,
        deps=list(deps),
        group_name=MATCHING,
        owners=OWNERS,
        kinds={"duckdb", "postgres"},
        code_version="1",
    )


@dg.multi_asset(
    name="matching",
    partitions_def=UPLOAD_BATCHES,
    specs=[
        _spec("match_keys", "One blocking key of a contact: what it must share to be compared.",
              "contacts", *BATCH_STEPS),
        _spec("match_pairs", "Two contacts worth remembering, with levels, bits and verdict.",
              "match_keys"),
        _spec("match_clusters", "Since when a contact belongs to a golden id, and the merge log.",
              "match_pairs"),
    ],
)  # fmt: skip
def matching(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> tuple[Result, Result, Result]:
    """Match whatever is new or stale against all contacts, whichever batch it came with.

    Free; one run at a time. A contact is compared once, so a second run finds nothing to do.
    """
    with explained(), connect(platform.dsn, autocommit=True, name="bulk-lookup matching") as conn:
        counts = run_matching(conn, actor=f"run {context.run.run_id}")
        figures = read_figures(conn)
    events = {kind: counts.get(kind, 0) for kind in ("merge", "move", "split", "refuse")}
    return (
        dg.MaterializeResult(
            asset_key="match_keys", metadata={"dagster/row_count": figures.contacts}
        ),
        dg.MaterializeResult(
            asset_key="match_pairs", metadata={"compared": counts.get("compared", 0)}
        ),
        dg.MaterializeResult(
            asset_key="match_clusters",
            metadata={
                "dagster/row_count": figures.golden_contacts,
                "largest cluster": figures.largest_cluster,
                "share of merged contacts": figures.merged_share,
                **events,
            },
        ),
    )


@dg.asset_check(asset="match_clusters", required_resource_keys={"platform"})
def largest_cluster(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """No cluster is larger than a person's records can be; larger ones were made by people."""
    with connect(context.resources.platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        largest = read_figures(conn).largest_cluster
    return dg.AssetCheckResult(
        passed=largest <= LARGEST,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"largest cluster": largest, "limit": LARGEST},
    )


@dg.asset_check(asset="match_clusters", required_resource_keys={"platform"})
def merged_share(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """The share of contacts that are merged with others is within the settings' limit."""
    with connect(context.resources.platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        share, limit = read_figures(conn).merged_share, load_settings(conn).matching.max_auto_share
    return dg.AssetCheckResult(
        passed=share <= limit,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"share of merged contacts": share, "limit": limit},
    )


@dg.asset_check(asset="match_clusters", required_resource_keys={"platform"})
def merged_shift(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """The share of merged contacts is about what it was after the run before."""
    with connect(context.resources.platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        figures, limit = read_figures(conn), load_settings(conn).matching.max_shift
    shift = 0.0 if figures.before is None else abs(figures.merged_share - figures.before)
    return dg.AssetCheckResult(
        passed=shift <= limit,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"shift": round(shift, 6), "limit": limit, "runs before": figures.before or 0.0},
    )


ASSETS = (matching,)
CHECKS = (largest_cluster, merged_share, merged_shift)
