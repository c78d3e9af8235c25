"""Jobs: which assets run together, and the two that are not about assets.

Put here: selections and small ops. Do not put here: when they run (`schedules`, `sensors`).
https://docs.dagster.io/guides/build/jobs
"""

import asyncio

import dagster as dg

from assets._step import report_metadata
from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import (
    DEACTIVATIONS_JOB,
    DISCOVERY_JOB,
    ENRICH_JOB,
    EXPORTS,
    EXPORTS_JOB,
    FCC_JOB,
    INTAKE,
    INTAKE_JOB,
    MAINTENANCE_JOB,
    MARTS_JOB,
    MATCHING_ASSETS,
    NIGHTLY_JOB,
    TRUST_HUB_JOB,
)
from bulk_lookup_dagster.services.housekeeping import forget_runs, purge, remove_parts, vacuum
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.maintenance import tidy
from bulk_lookup_dagster.services.nightly import run_nightly
from bulk_lookup_dagster.services.retention import purge_values
from bulk_lookup_dagster.services.scheduled_exports import remove_old_exports
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps import BATCH_STEPS
from bulk_lookup_dagster.storage.database import connect
from resources.registry import BY_NAME

intake_upload = dg.define_asset_job(
    INTAKE_JOB,
    selection=dg.AssetSelection.assets(
        "uploads", "subjects", "rejects", "upload_contacts", "ledger_plans"
    ),
    description="Take one file in: hash, parse, store, batch, plan.",
    executor_def=dg.in_process_executor,
    tags={"stage": INTAKE},
)

enrich_batch = dg.define_asset_job(
    ENRICH_JOB,
    selection=dg.AssetSelection.assets(
        "contacts", *BATCH_STEPS, "ledger_claims", "ledger_requests", "quarantine", "batches"
    )
    | dg.AssetSelection.assets(*MATCHING_ASSETS),
    description="One batch: enrichment steps with their blocking checks, matching, publishing.",
    executor_def=dg.multi_or_in_process_executor,  # see orchestration.executors
)

build_marts = dg.define_asset_job(
    MARTS_JOB,
    selection=dg.AssetSelection.groups("marts"),
    description="Build and test every dbt model over the published batches.",
    executor_def=dg.in_process_executor,
)


fetch_deactivations = dg.define_asset_job(
    DEACTIVATIONS_JOB,
    selection=dg.AssetSelection.assets("deactivations"),
    description="Fetch the numbers that carriers took out of service on a day and mark ours.",
    executor_def=dg.in_process_executor,
)

read_trust_hub = dg.define_asset_job(
    TRUST_HUB_JOB,
    selection=dg.AssetSelection.assets("trust_hub_profiles"),
    description="Read our Trust Hub account: profiles, evaluations, reviews that are over.",
    executor_def=dg.in_process_executor,
)

discover_businesses = dg.define_asset_job(
    DISCOVERY_JOB,
    selection=dg.AssetSelection.assets("zipcode_businesses"),
    description="Find the businesses of one ZIP code under an approved plan.",
    executor_def=dg.in_process_executor,
)

import_fcc_releases = dg.define_asset_job(
    FCC_JOB,
    selection=dg.AssetSelection.assets("fcc_releases"),
    description="Import one release of the FCC's broadband availability for one state.",
    executor_def=dg.in_process_executor,
)

write_exports = dg.define_asset_job(
    EXPORTS_JOB,
    selection=dg.AssetSelection.groups(EXPORTS),
    description="Export the scheduled filters over all uploads; remove files past their time.",
    executor_def=dg.in_process_executor,
)


@dg.op(
    description="Buy what is due in any step under every approved plan and refresh policy.",
    required_resource_keys={"platform", *BY_NAME},
)
def look_up_due(context: dg.OpExecutionContext) -> None:
    """One run over all that is due; reports the batches it asked about as materialised."""
    platform: Platform = context.resources.platform
    clients = {name: getattr(context.resources, name).client for name in BY_NAME}
    with explained():
        outcome = asyncio.run(run_nightly(platform, dagster_run_id=context.run_id, clients=clients))
    for asset, keys in (*outcome.asked.items(), ("batches", outcome.published)):
        for key in keys:
            context.log_event(dg.AssetMaterialization(asset, partition=key))
    for plan_id, reports in outcome.reports.items():
        for step, report in reports.by_step.items():
            context.log.info(f"plan {plan_id}, {step}: {report_metadata(report)}")
    ids = outcome.refreshed
    if ids.due:
        context.log_event(dg.AssetMaterialization("business_ids"))
        context.log.info(f"ids: {ids.confirmed} same, {ids.replaced} replaced, {ids.gone} gone")
    context.add_output_metadata({"plans": len(outcome.reports), "calls": outcome.calls})


@dg.job(
    name=NIGHTLY_JOB,
    description="One unpartitioned run over all that is due in approved plans.",
    executor_def=dg.in_process_executor,
)
def nightly_enrichment() -> None:
    """See `look_up_due`."""
    look_up_due()


@dg.op(description="Resolve what dead processes left, expire approvals.")
def tidy_up(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
    """Housekeeping that must happen even when nothing runs."""
    with explained():
        context.add_output_metadata(dict(asyncio.run(tidy(platform))))


@dg.op(description="Remove values, stored answers and exports past their time, half-written files.")
def purge_expired(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
    """Minimisation: claims, costs and hashes stay."""
    with explained():
        with connect(platform.dsn, autocommit=True, name="bulk-lookup purge") as conn:
            values = purge_values(conn)
            bodies = purge(conn)  # those of withdrawn values too
            exports = remove_old_exports(conn, platform)
        parts = remove_parts(platform.environment.home / "files")
        context.add_output_metadata(
            {"bodies": bodies, "values": values, "exports": exports, "half-written files": parts}
        )


@dg.op(description="Delete Dagster's old runs and their events.")
def forget_old_runs(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
    """`housekeeping.dagster_runs_days` says how old."""
    with explained():
        with connect(platform.dsn, autocommit=True, name="bulk-lookup runs") as conn:
            days = load_settings(conn).housekeeping.dagster_runs_days
        context.add_output_metadata({"runs": forget_runs(context.instance, days)})


@dg.op(description="VACUUM and ANALYZE every table of the platform.")
def vacuum_tables(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
    """The plans of incremental marts live on fresh statistics."""
    with explained():
        context.add_output_metadata({"tables": vacuum(platform)})


@dg.job(
    name=MAINTENANCE_JOB,
    description="Housekeeping: dead owners, ended approvals, purging, old runs, VACUUM. Where one"
    " step fails the others go on.",
    executor_def=dg.in_process_executor,
)
def maintenance() -> None:
    """Steps that do not wait for each other."""
    tidy_up()
    purge_expired()
    forget_old_runs()
    vacuum_tables()


JOBS = (
    intake_upload,
    enrich_batch,
    build_marts,
    fetch_deactivations,
    read_trust_hub,
    discover_businesses,
    import_fcc_releases,
    write_exports,
    nightly_enrichment,
    maintenance,
)
