"""Housekeeping of the ledger: dead owners, ended approvals, call-backs nobody settled.

Belongs here: what must happen even when nothing runs. Does not: purging by licence (retention).
"""

from __future__ import annotations

from bulk_lookup_dagster.engine.recovery import end_dead_runs, recover_orphans
from bulk_lookup_dagster.engine.worker import LIVE_WORKERS
from bulk_lookup_dagster.services.callbacks import settle_open
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage.database import connect_async
from resources.registry import VENDORS

_END_WORKERS = f"""
    UPDATE ops.workers SET ended_at = clock_timestamp()
     WHERE ended_at IS NULL AND worker_id NOT IN ({LIVE_WORKERS})
"""
_EXPIRE = """
    UPDATE ledger.plans SET state = 'expired' WHERE state = 'approved' AND expires_at < now()
"""


async def tidy(platform: Platform) -> dict[str, int]:
    """Resolve what dead processes left, expire approvals, settle call-backs; counts of each."""
    free = [
        (entry.name, one.name)
        for entry in VENDORS
        for one in entry.operations.values()
        if one.on_unknown == "ask_again"
    ]
    conn = await connect_async(platform.dsn, autocommit=True, name="bulk-lookup maintenance")
    try:
        resolved = await recover_orphans(conn, free)
        runs = await end_dead_runs(conn)
        ended = (await conn.execute(_END_WORKERS.encode())).rowcount
        expired = (await conn.execute(_EXPIRE)).rowcount
    finally:
        await conn.close()
    told = await settle_open(platform)
    return {
        "claims resolved": resolved,
        "runs ended": runs,
        "workers ended": ended,
        "plans expired": expired,
        "call-backs settled": told,
    }
