"""Phone number look-ups: the paid step, and what it writes into the ledger.

Put here: this stage's asset and checks. Do not put here: what is due, limits, caps (`engine`).
"""

from typing import Any

import dagster as dg

from bulk_lookup_dagster.core.money import format_usd
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.orchestration.checks import (
    expectations_check,
    history_check,
    pandera_check,
)
from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import ENRICHMENT, OWNERS, UPLOAD_BATCHES
from bulk_lookup_dagster.services.batch_frames import (
    answers_of_partition,
    block_partition,
    quarantine_limit,
    questions_of_partition,
)
from bulk_lookup_dagster.services.history import drift_blocks, lookup_figures
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.runs import find_batch, plan_for_batch, run_batch_async
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.storage.database import connect
from resources.twilio_lookup import TwilioLookupResource
from resources.twilio_lookup_records import PROVIDER

Result = dg.MaterializeResult[None]


def _spec(key: str, description: str, *deps: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        description=description,
        deps=list(deps),
        group_name=ENRICHMENT,
        owners=OWNERS,
        kinds={"python", "postgres", "twilio"},
        code_version="1",
    )


@dg.multi_asset(
    name="phone_lookups",
    partitions_def=UPLOAD_BATCHES,
    specs=[
        _spec(
            "phone_lookups",
            "One answer of a look-up package about a number.\n\nSource: Twilio Lookup v2. Costs a"
            " list price per package; what was answered is never bought again. Line type is kept"
            " 90 days, caller name 30.",
            "contacts",
            "subjects",
        ),
        _spec("ledger_claims", "The right to one answer, and what it cost.", "contacts"),
        _spec("ledger_requests", "One HTTP exchange with a vendor.", "contacts"),
        _spec("quarantine", "One answer that broke a rule; its paid body is kept.", "contacts"),
    ],
)
async def phone_lookups(
    context: dg.AssetExecutionContext,
    platform: dg.ResourceParam[Platform],
    twilio_lookup: TwilioLookupResource,
) -> tuple[Result, Result, Result, Result]:
    """Select what is due in the batch, have the engine buy it under the approved plan, report."""
    with explained():
        with connect(platform.dsn, autocommit=True, name="bulk-lookup lookups") as conn:
            batch = find_batch(conn, context.partition_key)
            plan_id = plan_for_batch(conn, batch)
        report = RunReport()
        if plan_id is not None:
            report = await run_batch_async(
                platform,
                batch.batch_id,
                plan_id,
                dagster_run_id=context.run.run_id,
                clients={PROVIDER: twilio_lookup.client},
            )
    for provider, reason in report.stopped.items():
        context.log.warning(f"{provider} was not asked to the end: {reason}")
    return (
        dg.MaterializeResult(asset_key="phone_lookups", metadata=lookup_metadata(report)),
        dg.MaterializeResult(asset_key="ledger_claims", metadata={"plan": plan_id or "finished"}),
        dg.MaterializeResult(
            asset_key="ledger_requests", metadata={"dagster/row_count": report.requests}
        ),
        dg.MaterializeResult(
            asset_key="quarantine", metadata={"dagster/row_count": report.quarantined}
        ),
    )


def lookup_metadata(report: RunReport) -> dict[str, Any]:
    """Counts, calls, cost, hit rate; nothing personal."""
    answered = sum(report.answered.values())
    return {
        "dagster/row_count": answered,
        "due": report.due,
        "calls": report.requests,
        "retries": report.retries,
        "cost": format_usd(report.spent_micros),
        "hit rate": round(report.answered["data"] / answered, 4) if answered else 0.0,
        "outcomes": dict(report.answered),
        "failed": dict(report.failed),
        "unknown": report.unknown,
        "left due": dict(report.left_due),
        "pending elsewhere": report.pending_elsewhere,
        "slowest call (ms)": report.slowest_ms,
        "requests per second": report.rates,
    }


def _schema() -> object:
    from bulk_lookup_dagster.schemas.phone_lookups import phone_lookups_schema

    return phone_lookups_schema()


def _suite(rows: object, platform: Platform) -> dict[str, object]:
    from bulk_lookup_dagster.expectations.phone_lookups import check_phone_lookups

    with connect(platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        limit = load_settings(conn).checks.max_unknown_share
    return check_phone_lookups(rows, max_unknown_share=limit)  # type: ignore[arg-type]


phone_lookups_schema_check = pandera_check(
    "phone_lookups",
    frame=answers_of_partition,
    schema=_schema,
    max_share=quarantine_limit,
    block=block_partition,
)
phone_lookups_expectations_check = expectations_check(
    "phone_lookups", frame=questions_of_partition, suite=_suite, block=block_partition
)
phone_lookups_history_check = history_check(
    "phone_lookups", figures=lookup_figures, blocks=drift_blocks, block=block_partition
)

ASSETS = (phone_lookups,)
CHECKS = (
    phone_lookups_schema_check,
    phone_lookups_expectations_check,
    phone_lookups_history_check,
)
