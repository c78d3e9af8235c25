"""One cheap paid question to each vendor that answers none for nothing.

The questions go through the engine like all paid work: under a plan of their own that is capped by
the amount given, with claims, circuits and the caps of the day. They are about what is public: a
number for tests, a domain for examples, a known address.

Belongs here: choosing the question, and the finding. Does not: free calls (`provider_health`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import psycopg

from bulk_lookup_dagster.core.money import format_usd
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.core.subjects import AddressKey
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.engine.pricing import PriceBook
from bulk_lookup_dagster.engine.runner import run_step
from bulk_lookup_dagster.services.findings import Finding
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.prices import store_price_list
from bulk_lookup_dagster.services.provider_health import with_version
from bulk_lookup_dagster.services.providers import environment_clients, open_providers
from bulk_lookup_dagster.services.step_runs import run_options
from bulk_lookup_dagster.services.steps import STEPS, Offer, StepDefinition
from bulk_lookup_dagster.services.steps.scopes import subjects_scope
from bulk_lookup_dagster.services.subject_runs import ensure_subjects
from bulk_lookup_dagster.storage.database import connect
from resources.registry import vendor

_SUBJECTS = {
    "phone": "+15005550006",
    "company": "example.com",
    "address": AddressKey("1600 pennsylvania ave nw", "", "washington", "dc", "20500", "us").value,
}
_PLAN = """
    INSERT INTO ledger.plans (state, kind, scope, estimate, price_list_version, cap_micros,
                              approved_by, approved_at, expires_at)
    VALUES ('approved', 'refresh', %s, jsonb_build_object('max_micros', %s::bigint, 'due', %s::int),
            %s, %s, %s, now(), now() + interval '1 hour')
    RETURNING plan_id
"""
_DONE = "UPDATE ledger.plans SET state = 'done' WHERE plan_id = %s AND state = 'approved'"
# What an earlier check was answered is asked once more, and once only.
_AGAIN = """
    INSERT INTO ops.refreshes (plan_id, provider, operation, answered_before)
    VALUES (%s, %s, %s, now())
"""
_AUDIT = """
    INSERT INTO ops.audit (actor, action, object, detail)
    VALUES (%s, 'plan.approved', %s, jsonb_build_object('cap_micros', %s::bigint))
"""
_DEADLINE = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Check:
    """The cheapest question to one vendor and what it costs at most."""

    step: StepDefinition
    offer: Offer
    max_micros: int


def ask_paid(
    platform: Platform,
    settings: Settings,
    names: Sequence[str],
    spend_micros: int,
    *,
    actor: str,
) -> dict[str, Finding]:
    """Ask these vendors one question each, the cheapest first, while the amount lasts."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup doctor") as conn:
        book = store_price_list(conn, settings)
        found = {name: _cheapest(name, book) for name in names}
        checks = sorted((one for one in found.values() if one), key=lambda one: one.max_micros)
        findings = {name: _unpriced(name) for name, check in found.items() if check is None}
        plan_id = _approved(conn, checks, book.version, spend_micros, actor)
        try:
            for check in checks:
                left = spend_micros - sum(one.cost_micros for one in findings.values())
                name = check.offer.provider
                findings[name] = (
                    _too_dear(check, spend_micros)
                    if check.max_micros > left
                    else _finding(check, _ask(conn, platform, settings, check, plan_id))
                )
        finally:
            conn.execute(_DONE, (plan_id,))
    return {name: findings[name] for name in names}


def _cheapest(name: str, book: PriceBook) -> Check | None:
    checks = [
        Check(
            replace(step, eligible=None, floor=None), offer, book.prices[name, offer.operation, "*"]
        )
        for step in STEPS
        if step.subject_kind in _SUBJECTS
        for offer in step.offers
        if offer.provider == name and (name, offer.operation, "*") in book.prices
    ]
    return min(checks, key=lambda one: one.max_micros, default=None)


def _approved(
    conn: psycopg.Connection, checks: Sequence[Check], prices: str, cap_micros: int, actor: str
) -> int:
    """A plan of these questions alone; without uploads, so that no other run finds it."""
    steps = {
        one.step.name: {
            "offers": [list(o.offer.key) for o in checks if o.step.name == one.step.name]
        }
        for one in checks
    }
    scope = json.dumps({"upload_ids": [], "steps": steps})
    cost = sum(one.max_micros for one in checks)
    row = conn.execute(_PLAN, (scope, cost, len(checks), prices, cap_micros, actor)).fetchall()[0]
    conn.execute(_AUDIT, (actor, f"plan {row[0]}", cap_micros))
    for one in checks:
        conn.execute(_AGAIN, (row[0], *one.offer.key))
    return int(row[0])


def _ask(
    conn: psycopg.Connection, platform: Platform, settings: Settings, check: Check, plan_id: int
) -> RunReport:
    kind = check.step.subject_kind
    ids = ensure_subjects(conn, platform.secret_key, kind, [_SUBJECTS[kind]])
    options = run_options(platform, settings, check.step.name, kind="refresh")
    options = replace(options, refresh_after=None, deadline=_DEADLINE, patience=timedelta(0))

    async def run() -> RunReport:
        async with AsyncExitStack() as stack:
            clients = environment_clients(platform.environment)
            providers, _ = await open_providers(stack, settings, clients, {check.offer.provider})
            step = check.step.as_step((check.offer,), "subjects")
            scope = subjects_scope(ids)
            return await run_step(
                platform.dsn, step, scope, providers, plan_id=plan_id, run=options
            )

    return asyncio.run(run())


def _finding(check: Check, report: RunReport) -> Finding:
    name, cost = check.offer.provider, report.spent_micros
    asked = f"{check.offer.operation} for {format_usd(cost)}"
    if report.answered:
        detail = with_version(f"the credentials are accepted ({asked})", vendor(name))
        return Finding(name, "ok", detail, cost_micros=cost)
    reasons: Mapping[str, object] = report.stopped or report.failed or report.left_due
    why = ", ".join(map(str, report.stopped.values() or reasons)) or "no answer in time"
    fix = f"See bulk-lookup status; when it is put right: bulk-lookup resume {name}."
    return Finding(name, "fail", f"{why} ({asked})", fix, cost)


def _too_dear(check: Check, spend_micros: int) -> Finding:
    price = format_usd(check.max_micros)
    detail = f"not asked: {check.offer.operation} may cost {price}, more than what is left of"
    fix = f"Run again with --spend {check.max_micros / 1_000_000:g} or more."
    return Finding(check.offer.provider, "warn", f"{detail} {format_usd(spend_micros)}", fix)


def _unpriced(name: str) -> Finding:
    fix = f"Set one: bulk-lookup settings set providers.{name}.price_overrides_usd.OPERATION USD."
    return Finding(name, "warn", "not asked: none of its operations has a list price", fix)
