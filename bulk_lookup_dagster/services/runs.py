"""Running approved plans: which batch, which plan, and what of it is still due.

Belongs here: finding plan and batch, and the entry points. Does not: the steps of a run
(`services.step_runs`), what the engine does (`engine.runner`), who starts it (assets, `cli`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import ApprovalNeeded, InputError
from bulk_lookup_dagster.engine.due import count_questions
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import refresh_after
from bulk_lookup_dagster.services.providers import ClientFactories
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.step_runs import (
    Progress,
    RunReports,
    Start,
    plan_scope,
    run_one,
    run_steps,
)
from bulk_lookup_dagster.services.steps.graph import in_graph_order
from bulk_lookup_dagster.services.steps.scopes import batch_scope
from bulk_lookup_dagster.services.steps.selection import scope_of_plan, step_of_plan
from bulk_lookup_dagster.services.subjects import derive

Connection = psycopg.Connection[Any]

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
_PRICES = "SELECT price_list_version FROM ledger.plans WHERE plan_id = %s"


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


def plan_for_batch(conn: Connection, batch: Batch, secret_key: bytes) -> int | None:
    """The approved plan to run a batch under; None where its finished plan left nothing due.

    That is what makes a backfill over finished batches harmless. Raises `ApprovalNeeded` where
    something is due and nobody approved it.
    """
    try:
        return approved_plan_of(conn, batch.upload_id)
    except ApprovalNeeded:
        row = conn.execute(_FINISHED_PLAN, (batch.upload_id,)).fetchone()
        if row is None or due_in_plan(conn, row[0], secret_key):
            raise
        return None


def run_batch(
    platform: Platform,
    batch_id: int,
    plan_id: int,
    *,
    dagster_run_id: str | None = None,
    progress: Progress | None = None,
) -> RunReports:
    """Buy what is due in one batch under an approved plan, in every step of it."""
    start = Start(plan_id, batch_scope(batch_id), "batch", batch_id, dagster_run_id, progress)
    return asyncio.run(run_steps(platform, start))


async def run_step_of_batch(
    platform: Platform,
    batch_id: int,
    plan_id: int,
    step: str,
    *,
    dagster_run_id: str | None = None,
    clients: ClientFactories | None = None,
) -> RunReport:
    """One step of a batch's plan; `clients` makes the clients. Upstream steps ran before."""
    scope = batch_scope(batch_id)
    start = Start(plan_id, scope, "batch", batch_id, dagster_run_id, None, clients)
    return await run_one(platform, start, step)


async def run_plan_async(
    platform: Platform,
    plan_id: int,
    scope: Scope,
    *,
    kind: str = "nightly",
    dagster_run_id: str | None = None,
    progress: Progress | None = None,
    clients: ClientFactories | None = None,
) -> RunReports:
    """Buy what is due in `scope`, in every step, under one plan and one run budget."""
    start = Start(plan_id, scope, kind, None, dagster_run_id, progress, clients)
    return await run_steps(platform, start)


def due_in_plan(conn: Connection, plan_id: int, secret_key: bytes) -> int:
    """Questions a run of this plan would ask now, of the first step that has some.

    Where nothing known is due, what answers since led to is derived and counted as well: a plan
    is at its end when nothing is due in any step.
    """
    document = plan_scope(conn, plan_id)
    return _due(conn, plan_id, document, None) or _due(conn, plan_id, document, secret_key)


def _due(conn: Connection, plan_id: int, document: dict[str, Any], key: bytes | None) -> int:
    """With a key, subjects are derived first."""
    ((version,),) = conn.execute(_PRICES, (plan_id,)).fetchall()
    settings = load_settings(conn)
    scope = scope_of_plan(document)
    for definition in in_graph_order(document.get("steps", {})):
        step = step_of_plan(document, definition, scope.kind)
        derivable = definition.derivation is not None
        if step is None or (key is not None and not derivable):
            continue
        if key is not None and definition.derivation is not None:
            derive(conn, key, definition.derivation, scope)
        after = refresh_after(settings, definition.name)
        counts = count_questions(
            conn, step, scope, price_list=version, plan_id=plan_id, refresh_after=after
        )
        due = sum(one.count for one in counts if one.due and one.max_micros is not None)
        if due:
            return due
    return 0
