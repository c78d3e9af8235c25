"""Plans: what a run would ask and cost, before anybody is called.

Belongs here: estimating and storing. Does not: approving (see `services.approvals`), what is due
(see `engine.due`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.due import count_questions
from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.obstacles import MAY_COME, count_left_out, obstacles
from bulk_lookup_dagster.services.plan_estimates import StepWork, estimate
from bulk_lookup_dagster.services.prices import store_price_list
from bulk_lookup_dagster.services.providers import parsers
from bulk_lookup_dagster.services.steps import BATCH_STEPS, StepDefinition, step_named
from bulk_lookup_dagster.services.steps.definition import Offer
from bulk_lookup_dagster.services.steps.graph import in_graph_order
from bulk_lookup_dagster.services.steps.scopes import count_rows, uploads_scope
from bulk_lookup_dagster.services.steps.selection import (
    Obstacles,
    count_unsure,
    step_of_plan,
    stored_step,
    usable_offers,
    wanted_offers,
    why_skipped,
)
from bulk_lookup_dagster.services.subjects import derive

Connection = psycopg.Connection[Any]

_INSERT = """
    INSERT INTO ledger.plans (state, kind, upload_id, scope, estimate, price_list_version)
    VALUES ('waiting_approval', %s, %s, %s::jsonb, '{}', %s)
    RETURNING plan_id, state, created_at
"""
_REFRESH = """
    INSERT INTO ops.refreshes (plan_id, provider, operation, answered_before)
    SELECT %s, u.*, %s FROM unnest(%s::text[], %s::text[]) AS u
"""
_ESTIMATE = "UPDATE ledger.plans SET estimate = %s::jsonb WHERE plan_id = %s"
# A batch that was never published still needs its run, which then buys nothing.
_NOTHING_TO_DO = """
    UPDATE ledger.plans SET state = 'done' WHERE plan_id = %s
       AND NOT EXISTS (SELECT FROM intake.batches
                        WHERE upload_id = ANY (%s) AND state <> 'published')
    RETURNING state
"""
_SUPERSEDE = """
    UPDATE ledger.plans SET state = 'superseded', superseded_reason = 'a newer plan was made'
     WHERE upload_id = %s AND kind = 'upload' AND state = 'waiting_approval'
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """A stored plan; `estimate` is its document (see `web.estimate` for the shape)."""

    plan_id: int
    state: str
    kind: str
    upload_id: int | None
    price_list_version: str
    estimate: Mapping[str, Any]
    created_at: datetime

    @property
    def max_micros(self) -> int:
        """The most it can cost."""
        return int(self.estimate["max_micros"])

    @property
    def due(self) -> int:
        """Questions it would ask."""
        return int(self.estimate["due"])


def make_plan(conn: Connection, upload_id: int, settings: Settings, platform: Platform) -> Plan:
    """Estimate every step of an upload and store the plan; an older unapproved one gives way."""
    row = conn.execute(
        "SELECT state FROM intake.uploads WHERE upload_id = %s", (upload_id,)
    ).fetchone()
    if row is None or row[0] != "loaded":
        what = "There is no upload" if row is None else f"Upload is {row[0]}, not loaded:"
        raise InputError(f"{what} {upload_id}.", fix="List them: bulk-lookup status.")
    return plan_uploads(conn, [upload_id], settings, platform, kind="upload", upload_id=upload_id)


def plan_uploads(
    conn: Connection,
    upload_ids: Sequence[int],
    settings: Settings,
    platform: Platform,
    *,
    kind: str,
    upload_id: int | None = None,
    steps: Collection[str] = BATCH_STEPS,
    operations: Sequence[str] | None = None,
    answered_before: datetime | None = None,
) -> Plan:
    """Estimate the enabled steps of some uploads, or only some operations, and store the plan.

    With `answered_before`, what was answered before that moment is bought again under this plan.
    """
    hindered = obstacles(platform.environment, settings)
    chosen = {
        step.name: _offers(step, settings, hindered, operations) for step in in_graph_order(steps)
    }
    scope = uploads_scope(upload_ids)
    _derive_subjects(conn, platform, chosen, scope)
    with conn.transaction():
        book = store_price_list(conn, settings)
        stored = _scope_document(upload_ids, settings, chosen)
        if upload_id is not None and kind == "upload":
            conn.execute(_SUPERSEDE, (upload_id,))
        values = (kind, upload_id, json.dumps(stored), book.version)
        plan_id, state, created_at = conn.execute(_INSERT, values).fetchall()[0]
        if answered_before is not None:
            _buy_again(conn, plan_id, answered_before, chosen)
        works = [
            _work(conn, name, offers, scope, settings, plan_id, stored, book.version, hindered)
            for name, offers in chosen.items()
            if operations is None or offers
        ]
        for work in works if operations is None else ():
            work.left_out = count_left_out(
                conn, work.definition, work.offers, scope, settings, hindered,
                plan_id=plan_id, standings=MAY_COME,
            )  # fmt: skip
        each = {name: one.subjects_per_request for name, one in parsers(settings).items()}
        document = estimate(conn, works, book, scope, settings, each)
        document["disabled"] = dict(hindered.providers)
        conn.execute(_ESTIMATE, (json.dumps(document), plan_id))
        if not document["due"]:
            found = conn.execute(_NOTHING_TO_DO, (plan_id, list(upload_ids))).fetchone()
            state = found[0] if found else state
    return Plan(plan_id, state, kind, upload_id, book.version, document, created_at)


def _scope_document(
    upload_ids: Sequence[int], settings: Settings, chosen: Mapping[str, Sequence[Offer]]
) -> dict[str, Any]:
    """What an approval fixes: uploads, steps, who is asked in which order."""
    steps = {
        name: stored_step(step_named(name), offers, settings.steps.step(name))
        for name, offers in chosen.items()
        if offers
    }
    return {"upload_ids": list(upload_ids), "steps": steps}


def _buy_again(
    conn: Connection, plan_id: int, before: datetime, chosen: Mapping[str, Sequence[Offer]]
) -> None:
    keys = [offer.key for offers in chosen.values() for offer in offers]
    providers, names = [key[0] for key in keys], [key[1] for key in keys]
    conn.execute(_REFRESH, (plan_id, before, providers, names))


def refresh_after(settings: Settings, step: str) -> timedelta | None:
    """A step's refresh policy as a time span, or None."""
    days = settings.steps.step(step).refresh_policy_days
    return None if days is None else timedelta(days=days)


def _offers(
    step: StepDefinition,
    settings: Settings,
    hindered: Obstacles,
    operations: Sequence[str] | None,
) -> tuple[Offer, ...]:
    if operations is not None:
        named = (offer for offer in step.offers if offer.operation in operations)
        return tuple(offer for offer in named if offer.key not in hindered.operations)
    return usable_offers(step, wanted_offers(step, settings), hindered)


def _derive_subjects(
    conn: Connection, platform: Platform, chosen: Mapping[str, Sequence[Offer]], scope: Scope
) -> None:
    """What the contacts themselves and answers so far lead to, so that it is counted."""
    for step in in_graph_order([name for name, offers in chosen.items() if offers]):
        if step.derivation is not None:
            derive(conn, platform.secret_key, step.derivation, scope)


def _work(
    conn: Connection,
    name: str,
    offers: Sequence[Offer],
    scope: Scope,
    settings: Settings,
    plan_id: int,
    stored: Mapping[str, Any],
    price_list: str,
    hindered: Obstacles,
) -> StepWork:
    definition = step_named(name)
    step = step_of_plan(stored, definition, scope.kind)
    if step is None:
        count = count_rows(conn, scope)
        return StepWork(definition, (), (), count, why_skipped(definition, settings, hindered))
    counts = count_questions(
        conn,
        step,
        scope,
        price_list=price_list,
        plan_id=plan_id,
        refresh_after=refresh_after(settings, name),
    )
    unsure, why = count_unsure(conn, stored, definition, scope)
    return StepWork(definition, offers, counts, unsure, why)
