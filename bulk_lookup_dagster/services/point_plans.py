"""Plans of reverse geocoding: what asking for the addresses at points would cost.

Belongs here: subjects of points, their plan and its estimate. Does not: reading points
(`core.points`), approving (`services.approvals`), running (`services.reverse_geocoding`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import ConfigError, InputError
from bulk_lookup_dagster.core.funnel import Stage, simulate
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.due import QuestionCount, count_questions
from bulk_lookup_dagster.engine.pricing import PriceBook
from bulk_lookup_dagster.services.durations import StepRequests, duration
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.obstacles import obstacles
from bulk_lookup_dagster.services.plan_estimates import Rates, rates
from bulk_lookup_dagster.services.plans import Plan, refresh_after
from bulk_lookup_dagster.services.prices import store_price_list
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps.definition import Offer
from bulk_lookup_dagster.services.steps.reverse_geocodes import REVERSE_GEOCODES
from bulk_lookup_dagster.services.steps.selection import (
    scope_of_plan,
    stored_step,
    usable_offers,
    wanted_offers,
    why_skipped,
)
from bulk_lookup_dagster.services.subject_runs import ensure_subjects

Connection = psycopg.Connection[Any]
KIND = "points"
MOST_POINTS = 2_000
"""Points of one plan: its scope names each of them."""

_STANDINGS = ("cached", "served", "waiting", "elsewhere", "accepted", "held", "later", "failed")
_OPEN = """
    SELECT plan_id, state, kind, upload_id, price_list_version, estimate, created_at
      FROM ledger.plans
     WHERE kind = 'points' AND state IN ('approved', 'waiting_approval')
       AND (expires_at IS NULL OR expires_at > now())
       AND scope -> 'subject_ids' = %s::jsonb
     ORDER BY state, plan_id DESC LIMIT 1
"""
_INSERT = """
    INSERT INTO ledger.plans (state, kind, scope, estimate, price_list_version)
    VALUES ('waiting_approval', 'points', %s::jsonb, %s::jsonb, %s)
    RETURNING plan_id, state, created_at
"""
_NOTHING_TO_DO = "UPDATE ledger.plans SET state = 'done' WHERE plan_id = %s RETURNING state"


def note_points(conn: Connection, platform: Platform, points: Sequence[str]) -> list[int]:
    """The subjects of points in canonical text, made where they are unknown."""
    if len(points) > MOST_POINTS:
        raise InputError(
            f"{len(points):,} points are more than the {MOST_POINTS:,} of one plan.",
            fix="Give them in several files.",
        )
    return ensure_subjects(conn, platform.secret_key, REVERSE_GEOCODES.subject_kind, points)


def plan_points(conn: Connection, platform: Platform, points: Sequence[str]) -> Plan:
    """The open plan of these points, or a new one; done at once where nothing is left to ask.

    Raises `ConfigError` where nobody can be asked.
    """
    subject_ids = note_points(conn, platform, points)
    known = conn.execute(_OPEN, (json.dumps(subject_ids),)).fetchone()
    return Plan(*known) if known else _new_plan(conn, platform, subject_ids)


def _new_plan(conn: Connection, platform: Platform, subject_ids: Sequence[int]) -> Plan:
    settings, step = load_settings(conn), REVERSE_GEOCODES
    hindered = obstacles(platform.environment, settings)
    offers = usable_offers(step, wanted_offers(step, settings), hindered)
    if not offers:
        raise ConfigError(
            f"{len(subject_ids)} points are skipped: {why_skipped(step, settings, hindered)}.",
            fix="See: bulk-lookup doctor.",
        )
    block = settings.steps.step(step.name)
    chosen = {step.name: stored_step(step, offers, block)}
    document = {"upload_ids": [], "subject_ids": list(subject_ids), "steps": chosen}
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
        estimated = _estimate(conn, offers[0], counts, book, settings)
        estimated["disabled"] = dict(hindered.providers)
        values = (json.dumps(document), json.dumps(estimated), book.version)
        plan_id, state, created_at = conn.execute(_INSERT, values).fetchall()[0]
        if not estimated["due"]:
            ((state,),) = conn.execute(_NOTHING_TO_DO, (plan_id,)).fetchall()
    return Plan(plan_id, state, KIND, None, book.version, estimated, created_at)


def _estimate(
    conn: Connection,
    offer: Offer,
    counts: Sequence[QuestionCount],
    book: PriceBook,
    settings: Settings,
) -> dict[str, Any]:
    """The document of a plan (see `web.estimate`): one step, a question about each point."""
    name, price = REVERSE_GEOCODES.name, book.price(*offer.key, None)
    due = sum(one.count for one in counts if one.due)
    standing = {
        word: sum(one.count for one in counts if one.standing == word) for word in _STANDINGS
    }
    funnel = simulate([Stage(due, price, rates(conn).get(offer.key, Rates()).billed)])
    seconds, slowest = duration([StepRequests(name, (), {offer.provider: due})], settings)
    money = funnel.total.document()
    line = {"provider": offer.provider, "operation": offer.operation, "price_micros": price}
    figures = {"step": name, "due": due, "expected": 0, **standing, **money}
    nobody = {"duplicates": 0, "skipped": 0, "skipped_because": ""}
    return {
        "lines": [{**figures, **line}],
        "steps": [{**figures, **nobody, "title": REVERSE_GEOCODES.title}],
        "due": due,
        "requests": due,
        "rows": 0,
        "duplicates": 0,
        "duplicates_micros": 0,
        **money,
        "duration_s": seconds,
        "slowest_limit": slowest,
    }
