"""Buying again by hand, and rebuilding values without buying.

Belongs here: the refresh plan and the replay of every step. Does not: refresh policies (settings).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime

from bulk_lookup_dagster.core.errors import InputError, NoPrice
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.replay import ReplayReport, replay
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import Plan, plan_uploads
from bulk_lookup_dagster.services.prices import unpriced
from bulk_lookup_dagster.services.providers import parsers
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps import STEPS
from bulk_lookup_dagster.storage.database import connect, connect_async


def plan_refresh(
    platform: Platform, upload_id: int, operations: Sequence[str], answered_before: datetime
) -> Plan:
    """A plan that buys again what was answered before a moment; it still needs approval."""
    known = {offer.operation: None for step in STEPS for offer in step.offers}
    unknown = [name for name in operations if name not in known]
    if unknown or not operations:
        raise InputError(
            f"There is no package {', '.join(unknown) or '(none given)'}.",
            fix=f"Packages: {', '.join(known)}.",
        )
    with connect(platform.dsn, autocommit=True, name="bulk-lookup refresh") as conn:
        settings = load_settings(conn)
        _refuse_unpriced(operations, settings)
        return plan_uploads(
            conn,
            [upload_id],
            settings,
            platform,
            kind="refresh",
            upload_id=upload_id,
            operations=operations,
            answered_before=answered_before,
        )


def _refuse_unpriced(operations: Sequence[str], settings: Settings) -> None:
    """Raise `NoPrice` for a package that has no price at any provider."""
    reasons = unpriced(settings)
    for name in operations:
        keys = [o.key for step in STEPS for o in step.offers if o.operation == name]
        if all(key in reasons for key in keys):
            told = "; ".join(f"{key[0]}: {reasons[key]}" for key in dict.fromkeys(keys))
            raise NoPrice(
                f"{name} cannot be bought again: {told}.",
                fix="Set the price with bulk-lookup settings set, then refresh again.",
            )


def replay_steps(platform: Platform) -> ReplayReport:
    """Rebuild the values of every step from stored bodies; asks nobody, needs no credentials."""
    return asyncio.run(_replay(platform))


async def _replay(platform: Platform) -> ReplayReport:
    total = ReplayReport()
    async with AsyncExitStack() as stack:
        conn = await connect_async(platform.dsn, autocommit=True, name="bulk-lookup replay")
        stack.push_async_callback(conn.close)
        for definition in STEPS:
            step = definition.as_step(definition.offers, "uploads")
            keys = [offer.key for offer in definition.offers]
            report = await replay(conn, step, parsers(Settings()), keys)
            total.rebuilt += report.rebuilt
            total.refused += report.refused
            total.not_replayed += report.not_replayed
    return total
