"""Plans of discovery: what looking for the businesses of ZIP codes would ask and cost.

A page is a question, and how many pages a ZIP code has is not known before they are read: the
estimate follows chains as long as earlier ones were, and its maximum, which the cap covers,
is every page the limit allows at every provider.

Belongs here: requests, their plan and its estimate. Does not: approving (`services.approvals`),
running (`services.discovery`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.core.subjects import ZipcodeKey
from bulk_lookup_dagster.engine.due import count_questions
from bulk_lookup_dagster.services.discovery_estimates import estimate
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.obstacles import obstacles
from bulk_lookup_dagster.services.plans import Plan, refresh_after
from bulk_lookup_dagster.services.prices import store_price_list
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps.selection import (
    scope_of_plan,
    stored_step,
    usable_offers,
    wanted_offers,
    why_skipped,
)
from bulk_lookup_dagster.services.steps.zipcode_businesses import ZIPCODE_BUSINESSES
from bulk_lookup_dagster.services.subject_runs import ensure_subjects

Connection = psycopg.Connection[Any]
KIND = "discovery"

_REQUEST = """
    INSERT INTO enrichment.zipcode_requests (subject_id, zipcode, business_type, partition_key)
    SELECT s.subject_id, r.* FROM unnest(%s::text[], %s::text[], %s::text[])
           AS r (zipcode, business_type, partition_key)
      JOIN intake.subjects s ON s.kind = 'zipcode'
                            AND s.value = r.zipcode || '|' || r.business_type
     WHERE s.subject_id = ANY (%s)
    ON CONFLICT DO NOTHING
"""
_OPEN = """
    SELECT plan_id, state, kind, upload_id, price_list_version, estimate, created_at
      FROM ledger.plans
     WHERE kind = 'discovery' AND state IN ('approved', 'waiting_approval')
       AND (expires_at IS NULL OR expires_at > now())
       AND scope -> 'subject_ids' = %(subjects)s::jsonb
       AND (scope ->> 'limit')::int = %(limit)s
     ORDER BY state, plan_id DESC LIMIT 1
"""
_INSERT = """
    INSERT INTO ledger.plans (state, kind, scope, estimate, price_list_version)
    VALUES ('waiting_approval', 'discovery', %s::jsonb, %s::jsonb, %s)
    RETURNING plan_id, state, created_at
"""
_NOTHING_TO_DO = "UPDATE ledger.plans SET state = 'done' WHERE plan_id = %s RETURNING state"


def partition_key(key: ZipcodeKey) -> str:
    """How a request is called as a partition, such as `85001-dentist`."""
    return f"{key.zipcode}-{key.business_type or 'any'}"


def plan_discovery(
    conn: Connection, platform: Platform, keys: Sequence[ZipcodeKey], limit: int
) -> Plan:
    """The open plan of these requests, or a new one; done at once where nothing is left to ask.

    Raises `ConfigError` where nobody can be asked.
    """
    subject_ids = note_requests(conn, platform, keys)
    values = {"subjects": json.dumps(subject_ids), "limit": limit}
    known = conn.execute(_OPEN, values).fetchone()
    return Plan(*known) if known else _new_plan(conn, platform, subject_ids, limit)


def note_requests(conn: Connection, platform: Platform, keys: Sequence[ZipcodeKey]) -> list[int]:
    """The subjects of requests, made where they are unknown."""
    values = [key.value for key in keys]
    subject_ids = ensure_subjects(conn, platform.secret_key, "zipcode", values)
    names = [partition_key(key) for key in keys]
    zipcodes, types = [key.zipcode for key in keys], [key.business_type for key in keys]
    conn.execute(_REQUEST, (zipcodes, types, names, subject_ids))
    return subject_ids


def _new_plan(conn: Connection, platform: Platform, subject_ids: Sequence[int], limit: int) -> Plan:
    settings = load_settings(conn)
    hindered = obstacles(platform.environment, settings)
    step = ZIPCODE_BUSINESSES
    offers = usable_offers(step, wanted_offers(step, settings), hindered)
    if not offers:
        raise ConfigError(
            f"{len(subject_ids)} requests are skipped: {why_skipped(step, settings, hindered)}.",
            fix="See: bulk-lookup doctor.",
        )
    chosen = {step.name: stored_step(step, offers, settings.steps.step(step.name))}
    document = {
        "upload_ids": [],
        "subject_ids": list(subject_ids),
        "limit": limit,
        "steps": chosen,
    }
    scope = scope_of_plan(document)
    asked = step.as_step(offers, scope.kind, settings.steps.step(step.name))
    with conn.transaction():
        book = store_price_list(conn, settings)
        counts = count_questions(
            conn,
            asked,
            scope,
            price_list=book.version,
            refresh_after=refresh_after(settings, step.name),
        )
        estimated = estimate(conn, offers, counts, book, subject_ids, limit, settings)
        estimated["disabled"] = dict(hindered.providers)
        values = (json.dumps(document), json.dumps(estimated), book.version)
        plan_id, state, created_at = conn.execute(_INSERT, values).fetchall()[0]
        if not estimated["due"]:
            ((state,),) = conn.execute(_NOTHING_TO_DO, (plan_id,)).fetchall()
    return Plan(plan_id, state, KIND, None, book.version, estimated, created_at)
