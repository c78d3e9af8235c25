"""Intake: a file becomes uploads, subjects, rejects and a plan; then contacts, batch by batch.

Put here: assets made from files. Do not put here: reading files (`intake`), plans (`services`).
"""

import dagster as dg
from pydantic import Field

from bulk_lookup_dagster.core.money import format_usd
from bulk_lookup_dagster.orchestration.checks import (
    expectations_check,
    history_check,
    pandera_check,
)
from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import INTAKE, OWNERS, UPLOAD_BATCHES
from bulk_lookup_dagster.services.approvals import approve_automatically
from bulk_lookup_dagster.services.batch_frames import (
    block_partition,
    contacts_of_partition,
    quarantine_limit,
    reject_shares,
)
from bulk_lookup_dagster.services.files import local_copy
from bulk_lookup_dagster.services.history import contacts_figures, drift_blocks
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import make_plan
from bulk_lookup_dagster.services.publishing import start_batch
from bulk_lookup_dagster.services.runs import find_batch
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.uploads import load_upload
from bulk_lookup_dagster.storage.database import connect

_KINDS = {"python", "postgres"}
Result = dg.MaterializeResult[None]


class UploadFile(dg.Config):
    """Which file to take in; everything but the address has a default in the settings."""

    uri: str = Field(description="Address of the file: file:///…, s3://…")
    source: str = Field(default="", description="Named source its contacts belong to.")
    default_region: str = Field(default="", description="Region of numbers without country code.")
    uploaded_by: str = Field(default="system", description="Who handed it in.")


def _spec(key: str, description: str, *deps: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        description=description,
        deps=list(deps),
        group_name=INTAKE,
        owners=OWNERS,
        kinds=_KINDS,
        code_version="1",
    )


@dg.multi_asset(
    name="intake",
    specs=[
        _spec("uploads", "One accepted file: content, mapping and region, exactly once."),
        _spec("subjects", "One thing questions are asked about, such as a number.", "uploads"),
        _spec("rejects", "One refused row with its reason and original text.", "uploads"),
        _spec("upload_contacts", "Which line of which upload is which contact.", "uploads"),
        _spec("ledger_plans", "What looking an upload's numbers up would cost.", "subjects"),
    ],
)
def intake(
    context: dg.AssetExecutionContext, config: UploadFile, platform: dg.ResourceParam[Platform]
) -> tuple[Result, Result, Result, Result, Result]:
    """Hash, parse and store a file, create its batch partitions, write its plan.

    The same file again adds nothing. The plan is approved here when the policy covers its cost.
    """
    with explained(), local_copy(platform.environment, config.uri) as path:
        with connect(platform.dsn, autocommit=True, name="bulk-lookup intake") as conn:
            settings = load_settings(conn)
        report = load_upload(
            platform.dsn,
            platform.secret_key,
            path,
            uri=config.uri,
            source=config.source or settings.intake.source,
            default_region=config.default_region or settings.intake.default_region,
            uploaded_by=config.uploaded_by,
            batch_rows=settings.intake.batch_rows,
        )
        keys = [batch.partition_key for batch in report.batches]
        context.instance.add_dynamic_partitions(str(UPLOAD_BATCHES.name), keys)
        with connect(platform.dsn, autocommit=True, name="bulk-lookup intake") as conn:
            plan = make_plan(conn, report.upload_id, settings, platform)
            approved = approve_automatically(conn, plan, platform.environment, settings)
    return (
        dg.MaterializeResult(
            asset_key="uploads",
            metadata={
                "upload": report.upload_id,
                "already loaded": report.already_loaded,
                "dagster/row_count": report.row_count,
                "batches": len(keys),
            },
        ),
        dg.MaterializeResult(asset_key="subjects"),
        dg.MaterializeResult(
            asset_key="rejects",
            metadata={
                "dagster/row_count": report.reject_count,
                "reasons": dict(report.rejects_by_reason),
            },
        ),
        dg.MaterializeResult(
            asset_key="upload_contacts",
            metadata={
                "dagster/row_count": report.contact_count,
                "new contacts": report.new_contact_count,
            },
        ),
        dg.MaterializeResult(
            asset_key="ledger_plans",
            metadata={
                "plan": plan.plan_id,
                "questions due": plan.due,
                "most it can cost": format_usd(plan.max_micros),
                "likely": format_usd(int(plan.estimate["p50_micros"])),
                "approved by policy": approved,
            },
        ),
    )


@dg.asset(
    partitions_def=UPLOAD_BATCHES,
    group_name=INTAKE,
    owners=OWNERS,
    kinds=_KINDS,
    deps=["upload_contacts", "subjects"],
    code_version="1",
)
def contacts(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[None]:
    """One distinct source row of a batch, as it was handed in.

    Written by intake and never overwritten; this stage opens the batch for enrichment and has its
    rows checked. Free; as fresh as its file.
    """
    with explained(), connect(platform.dsn, autocommit=True, name="bulk-lookup contacts") as conn:
        batch = find_batch(conn, context.partition_key)
        start_batch(conn, batch.batch_id)
        shares = reject_shares(conn, batch.batch_id)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": shares.accepted,
            "refused rows of the upload": shares.rejected,
            "refused share": round(shares.reject_share, 4),
        }
    )


def _contacts_schema() -> object:
    from bulk_lookup_dagster.schemas.contacts import contacts_schema

    return contacts_schema()


def _contacts_suite(rows: object, platform: Platform) -> dict[str, object]:
    from bulk_lookup_dagster.expectations.contacts import check_contacts

    return check_contacts(rows)  # type: ignore[arg-type]  # the factory's frame


contacts_schema_check = pandera_check(
    "contacts",
    frame=contacts_of_partition,
    schema=_contacts_schema,
    max_share=quarantine_limit,
    block=block_partition,
)
contacts_expectations_check = expectations_check(
    "contacts", frame=contacts_of_partition, suite=_contacts_suite
)
contacts_history_check = history_check(
    "contacts", figures=contacts_figures, blocks=drift_blocks, block=block_partition
)

ASSETS = (intake, contacts)
CHECKS = (contacts_schema_check, contacts_expectations_check, contacts_history_check)
