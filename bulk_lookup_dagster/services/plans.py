"""Plans: what a run would ask and cost, before anybody is called.

Belongs here: estimating and storing. Does not: approving (see `services.approvals`), what is due
(see `engine.due`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.estimate import cost_spread
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.due import QuestionCount, count_questions
from bulk_lookup_dagster.engine.pricing import PriceBook
from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.services.prices import store_price_list
from bulk_lookup_dagster.services.providers import usable
from bulk_lookup_dagster.services.steps.phone_lookups import PHONE_LOOKUPS
from bulk_lookup_dagster.services.steps.scopes import uploads_scope
from bulk_lookup_dagster.services.steps.selection import stored_offers, wanted_offers
from resources.twilio_lookup_records import PROVIDER

Connection = psycopg.Connection[Any]

PRIOR_HIT_RATE = 0.95
_PRIOR_WEIGHT = 50
_USUAL_SECONDS = 0.3

_HITS = """
    SELECT provider, operation, count(*), count(*) FILTER (WHERE cost_micros > 0)
      FROM (SELECT provider, operation, cost_micros FROM ledger.claims
             WHERE state = 'answered' ORDER BY claim_id DESC LIMIT 20000) recent
     GROUP BY provider, operation
"""
_ROWS = """
    SELECT count(*), count(DISTINCT c.phone_subject_id)
      FROM intake.upload_contacts r JOIN intake.contacts c USING (contact_id)
     WHERE r.upload_id = ANY (%s)
"""
_INSERT = """
    INSERT INTO ledger.plans (state, kind, upload_id, scope, estimate, price_list_version)
    VALUES ('waiting_approval', %s, %s, %s::jsonb, '{}', %s)
    RETURNING plan_id, state, created_at
"""
_REFRESH = """
    INSERT INTO ops.refreshes (plan_id, provider, operation, answered_before)
    SELECT %s, %s, unnest(%s::text[]), %s
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


def make_plan(
    conn: Connection, upload_id: int, settings: Settings, environment: Environment
) -> Plan:
    """Estimate the look-ups of an upload and store the plan; an older unapproved one gives way."""
    row = conn.execute(
        "SELECT state FROM intake.uploads WHERE upload_id = %s", (upload_id,)
    ).fetchone()
    if row is None or row[0] != "loaded":
        what = "There is no upload" if row is None else f"Upload is {row[0]}, not loaded:"
        raise InputError(f"{what} {upload_id}.", fix="List them: bulk-lookup status.")
    return plan_uploads(
        conn, [upload_id], settings, environment, kind="upload", upload_id=upload_id
    )


def plan_uploads(
    conn: Connection,
    upload_ids: Sequence[int],
    settings: Settings,
    environment: Environment,
    *,
    kind: str,
    upload_id: int | None = None,
    packages: Sequence[str] | None = None,
    answered_before: datetime | None = None,
) -> Plan:
    """Estimate the look-ups of some uploads and store the plan.

    With `answered_before`, what was answered before that moment is bought again under this plan.
    """
    offers = wanted_offers(PHONE_LOOKUPS, settings)
    if packages:
        offers = PHONE_LOOKUPS.offers_by_key((PROVIDER, name) for name in packages)
    wanted = [offer.operation for offer in offers]
    with conn.transaction():
        book = store_price_list(conn, settings)
        step = PHONE_LOOKUPS.as_step(offers, "uploads")
        scope = uploads_scope(upload_ids)
        stored = {
            "upload_ids": list(upload_ids),
            "steps": stored_offers({PHONE_LOOKUPS.name: offers}),
        }
        if upload_id is not None and kind == "upload":
            conn.execute(_SUPERSEDE, (upload_id,))
        values = (kind, upload_id, json.dumps(stored), book.version)
        plan_id, state, created_at = conn.execute(_INSERT, values).fetchall()[0]
        if answered_before is not None:
            conn.execute(_REFRESH, (plan_id, PROVIDER, list(wanted), answered_before))
        counts = count_questions(
            conn,
            step,
            scope,
            price_list=book.version,
            plan_id=plan_id,
            refresh_after=refresh_after(settings),
        )
        estimate = _estimate(conn, counts, wanted, book, scope, settings)
        estimate["disabled"] = usable(environment, settings)
        conn.execute(_ESTIMATE, (json.dumps(estimate), plan_id))
        if not estimate["due"]:
            found = conn.execute(_NOTHING_TO_DO, (plan_id, list(upload_ids))).fetchone()
            state = found[0] if found else state
    return Plan(plan_id, state, kind, upload_id, book.version, estimate, created_at)


def refresh_after(settings: Settings) -> timedelta | None:
    """The refresh policy as a time span, or None."""
    days = settings.steps.phone_lookups.refresh_policy_days
    return None if days is None else timedelta(days=days)


def hit_rates(conn: Connection) -> dict[tuple[str, str], float]:
    """Share of answers that were billed, per provider and operation, from the ledger's history."""
    return {
        (provider, operation): (billed + PRIOR_HIT_RATE * _PRIOR_WEIGHT) / (asked + _PRIOR_WEIGHT)
        for provider, operation, asked, billed in conn.execute(_HITS).fetchall()
    }


def _estimate(
    conn: Connection,
    counts: Sequence[QuestionCount],
    packages: Sequence[str],
    book: PriceBook,
    scope: Scope,
    settings: Settings,
) -> dict[str, Any]:
    rates = hit_rates(conn)
    lines = []
    every: list[tuple[int, int, float]] = []
    for package in packages:
        of_package = [one for one in counts if one.operation == package]
        billed = [
            (
                one.count,
                book.price(one.provider, package, one.region),
                rates.get((one.provider, package), PRIOR_HIT_RATE),
            )
            for one in of_package
            if one.due
        ]
        every += billed
        lines.append(_line(package, of_package, billed))
    rows, numbers = conn.execute(_ROWS, (scope.parameters["upload_ids"],)).fetchall()[0]
    spread = cost_spread(every)
    requests = max((line["due"] for line in lines), default=0)
    seconds, limit = duration(requests, settings)
    return {
        "lines": lines,
        "due": sum(line["due"] for line in lines),
        "requests": requests,
        "rows": rows,
        "duplicates": rows - numbers,
        "duplicates_micros": (rows - numbers) * sum(line["price_micros"] for line in lines),
        "p10_micros": spread.p10,
        "p50_micros": spread.p50,
        "p90_micros": spread.p90,
        "max_micros": spread.maximum,
        "duration_s": seconds,
        "slowest_limit": limit,
    }


def _line(
    package: str, counts: Sequence[QuestionCount], billed: list[tuple[int, int, float]]
) -> dict[str, Any]:
    standing = {
        name: sum(one.count for one in counts if one.standing == name)
        for name in ("cached", "elsewhere", "held", "later", "failed")
    }
    prices = [price for _, price, _ in billed] + [one.max_micros or 0 for one in counts]
    spread = cost_spread(billed)
    return {
        "operation": package,
        "due": sum(due for due, _, _ in billed),
        **standing,
        "price_micros": max(prices, default=0),
        "p10_micros": spread.p10,
        "p50_micros": spread.p50,
        "p90_micros": spread.p90,
        "max_micros": spread.maximum,
    }


def duration(requests: int, settings: Settings) -> tuple[float, str]:
    """Seconds a run of so many requests takes, and which limit makes it so slow."""
    twilio = settings.providers.twilio_lookup
    by_concurrency = requests * _USUAL_SECONDS / twilio.concurrency
    by_rate = 0.0 if twilio.requests_per_second is None else requests / twilio.requests_per_second
    if by_rate >= by_concurrency:
        return math.ceil(by_rate), f"twilio_lookup: {twilio.requests_per_second:g} requests/s"
    return math.ceil(by_concurrency), f"twilio_lookup: {twilio.concurrency} requests at once"
