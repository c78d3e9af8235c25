"""Running a free step over subjects that no upload leads to: days, our own profiles.

The plan such a run needs is made by itself and may spend nothing: its cap is 0, so an operation
with a price is refused however the price list changes.

Belongs here: subjects, plan and engine for those. Does not: paid work (`services.runs`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import psycopg

from bulk_lookup_dagster.core.privacy import subject_hmac
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.options import RunOptions, RunReport
from bulk_lookup_dagster.engine.runner import run_step
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.oauth_tokens import PostgresTokens
from bulk_lookup_dagster.services.prices import store_price_list
from bulk_lookup_dagster.services.providers import (
    ClientFactories,
    environment_clients,
    open_providers,
    provider_limits,
)
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps.definition import StepDefinition
from bulk_lookup_dagster.services.steps.scopes import subjects_scope
from bulk_lookup_dagster.services.steps.selection import wanted_offers
from bulk_lookup_dagster.storage.database import connect

Connection = psycopg.Connection[Any]

_SUBJECTS = """
    INSERT INTO intake.subjects (kind, value, value_hmac)
    SELECT %s, * FROM unnest(%s::text[], %s::bytea[])
    ON CONFLICT (value_hmac) DO NOTHING
"""
_IDS = "SELECT subject_id FROM intake.subjects WHERE value_hmac = ANY (%s::bytea[]) ORDER BY 1"
_PLAN = """
    INSERT INTO ledger.plans (state, kind, scope, estimate, price_list_version, cap_micros,
                              approved_by, approved_at, expires_at)
    VALUES ('approved', 'nightly', %s, '{"max_micros": 0, "due": 0}', %s, 0, 'free of charge',
            now(), now() + interval '1 day')
    RETURNING plan_id
"""
_AGAIN = """
    INSERT INTO ops.refreshes (plan_id, provider, operation, answered_before)
    SELECT %s, o.provider, o.operation, now() - %s
      FROM unnest(%s::text[], %s::text[]) AS o (provider, operation)
"""
_DONE = "UPDATE ledger.plans SET state = 'done' WHERE plan_id = %s AND state = 'approved'"


async def run_subjects_free(
    platform: Platform,
    definition: StepDefinition,
    values: Sequence[str],
    *,
    clients: ClientFactories | None = None,
    dagster_run_id: str | None = None,
    operations: Sequence[str] = (),
    older_than: timedelta | None = None,
) -> RunReport:
    """Ask a step's free operations about subjects of its kind; they are made where unknown.

    `operations` names those asked, empty: all. What was answered longer than `older_than` before
    this run is asked again, once; None: as the step's refresh policy says.
    """
    with connect(platform.dsn, autocommit=True, name="bulk-lookup free run") as conn:
        settings = load_settings(conn)
        offers = [
            offer
            for offer in wanted_offers(definition, settings)
            if not operations or offer.operation in operations
        ]
        if not offers:
            return RunReport()
        subject_ids = ensure_subjects(conn, platform.secret_key, definition.subject_kind, values)
        plan_id = _free_plan(conn, settings, definition, subject_ids)
        if older_than is not None:
            keys = [offer.provider for offer in offers], [offer.operation for offer in offers]
            conn.execute(_AGAIN, (plan_id, older_than, *keys))
        try:
            step = definition.as_step(offers, "subjects", settings.steps.step(definition.name))
            names = {offer.provider for offer in offers}
            tokens = PostgresTokens(platform.dsn, platform.secret_key)
            async with AsyncExitStack() as stack:
                providers, disabled = await open_providers(
                    stack, settings, clients or environment_clients(platform.environment), names,
                    tokens,
                )  # fmt: skip
                report = await run_step(
                    platform.dsn,
                    step,
                    subjects_scope(subject_ids),
                    providers,
                    plan_id=plan_id,
                    run=_options(platform, settings, definition, dagster_run_id),
                )
        finally:
            conn.execute(_DONE, (plan_id,))
    report.stopped |= {one.provider: one.reason for one in disabled}
    return report


def ensure_subjects(
    conn: Connection, secret_key: bytes, kind: str, values: Sequence[str]
) -> list[int]:
    """The ids of subjects by their canonical text, made where they are unknown."""
    digests = [subject_hmac(secret_key, kind, value) for value in values]
    conn.execute(_SUBJECTS, (kind, list(values), digests))
    return [row[0] for row in conn.execute(_IDS, (digests,)).fetchall()]


def _free_plan(
    conn: Connection, settings: Settings, definition: StepDefinition, subject_ids: Sequence[int]
) -> int:
    # Without uploads: the nightly run finds nothing of it due.
    scope = {"upload_ids": [], "step": definition.name, "subject_ids": list(subject_ids)}
    version = store_price_list(conn, settings).version
    return int(conn.execute(_PLAN, (json.dumps(scope), version)).fetchall()[0][0])


def _options(
    platform: Platform,
    settings: Settings,
    definition: StepDefinition,
    dagster_run_id: str | None,
) -> RunOptions:
    block = settings.steps.step(definition.name)
    return RunOptions(
        home=platform.environment.home,
        limits=provider_limits(settings),
        refresh_after=None
        if block.refresh_policy_days is None
        else timedelta(days=block.refresh_policy_days),
        deadline=timedelta(seconds=block.deadline_s),
        accepted_for=timedelta(seconds=settings.steps.accepted_deadline_s),
        patience=timedelta(seconds=block.patience_s),
        timezone=platform.environment.timezone.key,
        kind="nightly",
        dagster_run_id=dagster_run_id,
    )
