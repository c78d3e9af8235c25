"""Plans about subjects that somebody named, not those of uploads: one step, one plan.

Belongs here: the open plan of the same subjects under the same terms, or a new one. Does not: what
it would cost (the caller's estimate), approving (`services.approvals`), plans of uploads
(`services.plans`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.due import QuestionCount, count_questions
from bulk_lookup_dagster.engine.pricing import PriceBook
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.obstacles import obstacles
from bulk_lookup_dagster.services.plans import Plan, refresh_after
from bulk_lookup_dagster.services.prices import store_price_list
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from bulk_lookup_dagster.services.steps.selection import (
    scope_of_plan,
    stored_step,
    usable_offers,
    wanted_offers,
    why_skipped,
)

Connection = psycopg.Connection[Any]

_OPEN = """
    SELECT plan_id, state, kind, upload_id, price_list_version, estimate, created_at
      FROM ledger.plans
     WHERE kind = %s AND state IN ('approved', 'waiting_approval')
       AND (expires_at IS NULL OR expires_at > now())
       AND scope -> 'subject_ids' = %s::jsonb AND scope @> %s::jsonb
     ORDER BY state, plan_id DESC LIMIT 1
"""
_INSERT = """
    INSERT INTO ledger.plans (state, kind, scope, estimate, price_list_version)
    VALUES ('waiting_approval', %s, %s::jsonb, %s::jsonb, %s)
    RETURNING plan_id, state, created_at
"""
_NOTHING_TO_DO = "UPDATE ledger.plans SET state = 'done' WHERE plan_id = %s RETURNING state"


@dataclass(frozen=True, slots=True)
class Asked:
    """What an estimate starts from: who is asked, how the questions stand, at which prices."""

    subject_ids: Sequence[int]
    offers: Sequence[Offer]
    counts: Sequence[QuestionCount]
    book: PriceBook
    settings: Settings


def plan_subjects(
    conn: Connection,
    platform: Platform,
    step: StepDefinition,
    subject_ids: Sequence[int],
    *,
    kind: str,
    what: str,
    estimate: Callable[[Asked], dict[str, Any]],
    terms: Mapping[str, Any] | None = None,
) -> Plan:
    """The open plan of these subjects, or a new one; done at once where nothing is left to ask.

    `kind` is the plan's, `what` the subjects' name in messages, `terms` what else its scope says.
    Raises `ConfigError` where nobody can be asked.
    """
    named = json.dumps(list(subject_ids))
    known = conn.execute(_OPEN, (kind, named, json.dumps(terms or {}))).fetchone()
    if known:
        return Plan(*known)
    settings = load_settings(conn)
    hindered = obstacles(platform.environment, settings)
    offers = usable_offers(step, wanted_offers(step, settings), hindered)
    if not offers:
        raise ConfigError(
            f"{len(subject_ids)} {what} are skipped: {why_skipped(step, settings, hindered)}.",
            fix="See: bulk-lookup doctor.",
        )
    block = settings.steps.step(step.name)
    document = {
        "upload_ids": [],
        "subject_ids": list(subject_ids),
        "steps": {step.name: stored_step(step, offers, block)},
        **(terms or {}),
    }
    scope = scope_of_plan(document)
    with conn.transaction():
        book = store_price_list(conn, settings)
        counts = count_questions(
            conn,
            step.as_step(offers, scope.kind, block),
            scope,
            price_list=book.version,
            refresh_after=refresh_after(settings, step.name),
        )
        estimated = estimate(Asked(subject_ids, offers, counts, book, settings))
        estimated["disabled"] = dict(hindered.providers)
        values = (kind, json.dumps(document), json.dumps(estimated), book.version)
        plan_id, state, created_at = conn.execute(_INSERT, values).fetchall()[0]
        if not estimated["due"]:
            ((state,),) = conn.execute(_NOTHING_TO_DO, (plan_id,)).fetchall()
    return Plan(plan_id, state, kind, None, book.version, estimated, created_at)
