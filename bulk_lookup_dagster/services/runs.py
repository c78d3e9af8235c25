"""Running approved plans: the engine over one batch or over many uploads.

Belongs here: from plan and settings to an engine run and its report. Does not: what the engine
does (`engine.runner`), who starts it (assets, `cli`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import ApprovalNeeded, InputError
from bulk_lookup_dagster.core.money import micros_from_usd
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.due import count_questions
from bulk_lookup_dagster.engine.options import RunOptions, RunReport
from bulk_lookup_dagster.engine.runner import run_step
from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.oauth_tokens import PostgresTokens
from bulk_lookup_dagster.services.plans import refresh_after
from bulk_lookup_dagster.services.providers import (
    ClientFactories,
    environment_clients,
    open_providers,
    provider_limits,
    within_account_limits,
)
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps.definition import Offer
from bulk_lookup_dagster.services.steps.phone_lookups import PHONE_LOOKUPS
from bulk_lookup_dagster.services.steps.scopes import batch_scope, uploads_scope
from bulk_lookup_dagster.services.steps.selection import offers_of_plan
from bulk_lookup_dagster.storage.database import connect

Connection = psycopg.Connection[Any]
Progress = Callable[[RunReport], None]

_BATCH = """
    SELECT b.batch_id, b.upload_id, b.partition_key, b.state
      FROM intake.batches b WHERE b.partition_key = %s
"""
_PLAN_OF_UPLOAD = """
    SELECT plan_id FROM ledger.plans
     WHERE state = 'approved' AND scope -> 'upload_ids' @> to_jsonb(%s::bigint)
       AND (expires_at IS NULL OR expires_at > now())
     ORDER BY (kind = 'upload') DESC, plan_id DESC LIMIT 1
"""
_FINISHED_PLAN = """
    SELECT plan_id FROM ledger.plans
     WHERE state = 'done' AND scope -> 'upload_ids' @> to_jsonb(%s::bigint)
     ORDER BY plan_id DESC LIMIT 1
"""
_PLAN = "SELECT scope, price_list_version, kind, state FROM ledger.plans WHERE plan_id = %s"


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch as a run sees it."""

    batch_id: int
    upload_id: int
    partition_key: str
    state: str


def find_batch(conn: Connection, partition_key: str) -> Batch:
    """The batch behind a Dagster partition."""
    row = conn.execute(_BATCH, (partition_key,)).fetchone()
    if row is None:
        raise InputError(
            f"There is no batch {partition_key}.", fix="Load the upload first: bulk-lookup upload."
        )
    return Batch(*row)


def approved_plan_of(conn: Connection, upload_id: int) -> int:
    """The approved plan that covers an upload; raises `ApprovalNeeded` where there is none."""
    row = conn.execute(_PLAN_OF_UPLOAD, (upload_id,)).fetchone()
    if row is None:
        raise ApprovalNeeded(
            f"No approved plan covers upload {upload_id}, so nothing is bought for it.",
            fix=f"See what it costs: bulk-lookup plan {upload_id}; then: bulk-lookup approve PLAN.",
        )
    return int(row[0])


def plan_for_batch(conn: Connection, batch: Batch) -> int | None:
    """The approved plan to run a batch under; None where its finished plan left nothing due.

    That is what makes a backfill over finished batches harmless. Raises `ApprovalNeeded` where
    something is due and nobody approved it.
    """
    try:
        return approved_plan_of(conn, batch.upload_id)
    except ApprovalNeeded:
        row = conn.execute(_FINISHED_PLAN, (batch.upload_id,)).fetchone()
        if row is None or due_in_plan(conn, row[0]):
            raise
        return None


def run_batch(
    platform: Platform,
    batch_id: int,
    plan_id: int,
    *,
    dagster_run_id: str | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Buy what is due in one batch under an approved plan."""
    return asyncio.run(
        run_batch_async(
            platform, batch_id, plan_id, dagster_run_id=dagster_run_id, progress=progress
        )
    )


async def run_batch_async(
    platform: Platform,
    batch_id: int,
    plan_id: int,
    *,
    dagster_run_id: str | None = None,
    progress: Progress | None = None,
    clients: ClientFactories | None = None,
) -> RunReport:
    """The same, inside an event loop that runs already; `clients` makes the clients."""
    scope = batch_scope(batch_id)
    start = _Start(plan_id, scope, "batch", batch_id, dagster_run_id, progress, clients)
    return await _run(platform, start)


async def run_uploads_async(
    platform: Platform,
    upload_ids: Sequence[int],
    plan_id: int,
    *,
    dagster_run_id: str | None = None,
    progress: Progress | None = None,
    clients: ClientFactories | None = None,
) -> RunReport:
    """Buy what is due in whole uploads, under one plan and one run budget."""
    scope = uploads_scope(upload_ids)
    start = _Start(plan_id, scope, "nightly", None, dagster_run_id, progress, clients)
    return await _run(platform, start)


@dataclass(frozen=True, slots=True)
class _Start:
    plan_id: int
    scope: Scope
    kind: str
    batch_id: int | None
    dagster_run_id: str | None
    progress: Progress | None
    clients: ClientFactories | None


async def _run(platform: Platform, start: _Start) -> RunReport:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup run") as conn:
        settings = load_settings(conn)
        offers = plan_offers(conn, start.plan_id)
    options = run_options(
        platform,
        settings,
        kind=start.kind,
        batch_id=start.batch_id,
        dagster_run_id=start.dagster_run_id,
        progress=start.progress,
    )
    step = PHONE_LOOKUPS.as_step(offers, start.scope.kind)
    clients = start.clients or environment_clients(platform.environment)
    names = {offer.provider for offer in offers}
    tokens = PostgresTokens(platform.dsn, platform.secret_key)
    async with AsyncExitStack() as stack:
        providers, disabled = await open_providers(stack, settings, clients, names, tokens)
        limits = await within_account_limits(
            options.limits, providers, [offer.operation for offer in offers]
        )
        report = await run_step(
            platform.dsn,
            step,
            start.scope,
            providers,
            plan_id=start.plan_id,
            run=replace(options, limits=limits),
        )
    report.stopped |= {one.provider: one.reason for one in disabled}
    return report


def plan_offers(conn: Connection, plan_id: int) -> Sequence[Offer]:
    """What a plan was approved for."""
    row = conn.execute(_PLAN, (plan_id,)).fetchone()
    if row is None:
        raise InputError(f"There is no plan {plan_id}.", fix="Make one: bulk-lookup plan UPLOAD.")
    return offers_of_plan(row[0], PHONE_LOOKUPS)


def due_in_plan(conn: Connection, plan_id: int) -> int:
    """Questions a run of this plan would ask now."""
    row = conn.execute(_PLAN, (plan_id,)).fetchone()
    if row is None:
        return 0
    scope, version, _, _ = row
    counts = count_questions(
        conn,
        PHONE_LOOKUPS.as_step(offers_of_plan(scope, PHONE_LOOKUPS), "uploads"),
        uploads_scope(scope["upload_ids"]),
        price_list=version,
        plan_id=plan_id,
        refresh_after=refresh_after(load_settings(conn)),
    )
    return sum(one.count for one in counts if one.due and one.max_micros is not None)


def run_options(
    platform: Platform,
    settings: Settings,
    *,
    kind: str,
    batch_id: int | None = None,
    dagster_run_id: str | None = None,
    progress: Progress | None = None,
) -> RunOptions:
    """Limits, caps and deadlines of a run from the settings in force."""
    spending, step = settings.spending, settings.steps.phone_lookups

    def micros(usd: Any) -> int | None:
        return None if usd is None else micros_from_usd(usd)

    return RunOptions(
        home=platform.environment.home,
        limits=provider_limits(settings),
        run_cap_micros=micros(spending.run_cap_usd),
        day_cap_micros=micros(spending.day_cap_usd),
        provider_day_caps_micros={
            name: micros_from_usd(usd) for name, usd in spending.provider_day_cap_usd.items()
        },
        refresh_after=refresh_after(settings),
        deadline=timedelta(seconds=step.deadline_s),
        patience=timedelta(seconds=step.patience_s),
        timezone=platform.environment.timezone.key,
        kind=kind,
        batch_id=batch_id,
        dagster_run_id=dagster_run_id,
        progress=progress,
    )
