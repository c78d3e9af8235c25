"""Buying again by hand, and rebuilding values without buying.

Belongs here: the refresh plan and the replay of a step. Does not: refresh policies (settings).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.replay import ReplayReport, replay
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import Plan, plan_uploads
from bulk_lookup_dagster.services.providers import parsers
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps.phone_lookups import PHONE_LOOKUPS
from bulk_lookup_dagster.storage.database import connect, connect_async
from resources.twilio_lookup_records import OPERATIONS


def plan_refresh(
    platform: Platform, upload_id: int, packages: Sequence[str], answered_before: datetime
) -> Plan:
    """A plan that buys again what was answered before a moment; it still needs approval."""
    unknown = [name for name in packages if name not in OPERATIONS]
    if unknown or not packages:
        raise InputError(
            f"There is no package {', '.join(unknown) or '(none given)'}.",
            fix=f"Packages: {', '.join(OPERATIONS)}.",
        )
    with connect(platform.dsn, autocommit=True, name="bulk-lookup refresh") as conn:
        settings = load_settings(conn)
        return plan_uploads(
            conn,
            [upload_id],
            settings,
            platform.environment,
            kind="refresh",
            upload_id=upload_id,
            packages=packages,
            answered_before=answered_before,
        )


def replay_phone_lookups(platform: Platform) -> ReplayReport:
    """Rebuild `enrichment.phone_lookups` from stored bodies; asks nobody, needs no credentials."""
    return asyncio.run(_replay(platform))


async def _replay(platform: Platform) -> ReplayReport:
    step = PHONE_LOOKUPS.as_step(PHONE_LOOKUPS.offers, "uploads")
    async with AsyncExitStack() as stack:
        conn = await connect_async(platform.dsn, autocommit=True, name="bulk-lookup replay")
        stack.push_async_callback(conn.close)
        return await replay(conn, step, parsers(Settings()))
