"""Publishing a batch: from then on the marts show it. And the plan's end.

Belongs here: a batch's moves and what they mark. Does not: checks (assets), building marts.
"""

from __future__ import annotations

from typing import Any

import psycopg

from bulk_lookup_dagster.services.runs import due_in_plan

Connection = psycopg.Connection[Any]

_START = """
    UPDATE intake.batches SET state = 'enriching'
     WHERE batch_id = %s AND state IN ('created', 'blocked', 'published')
"""
_PUBLISH = """
    UPDATE intake.batches SET state = 'published', published_at = clock_timestamp()
     WHERE batch_id = %s AND state = 'enriching'
"""
_BLOCK = "UPDATE intake.batches SET state = 'blocked' WHERE batch_id = %s AND state = 'enriching'"
_DIRTY = "INSERT INTO ops.mart_dirty (reason, batch_id) VALUES (%s, %s)"
_WAITING = """
    SELECT count(*) FROM ledger.claims c
     WHERE c.plan_id = %s AND (c.state IN ('claimed', 'accepted')
           OR c.state = 'failed' AND c.retry_at IS NOT NULL)
"""
# An unpublished batch needs a run under this plan, even one that buys nothing.
_CLOSABLE = """
    plan_id = %s AND state = 'approved'
       AND (kind = 'nightly' OR NOT EXISTS (
           SELECT FROM intake.batches b
            WHERE p.scope -> 'upload_ids' @> to_jsonb(b.upload_id) AND b.state <> 'published'
       ))
"""
_OPEN = f"SELECT FROM ledger.plans p WHERE {_CLOSABLE}".encode()
_DONE = f"UPDATE ledger.plans p SET state = 'done' WHERE {_CLOSABLE}".encode()


def start_batch(conn: Connection, batch_id: int) -> None:
    """The batch is being worked on."""
    conn.execute(_START, (batch_id,))


def publish_batch(conn: Connection, batch_id: int) -> bool:
    """Show the batch in the marts, once they are built; says whether it was unpublished before."""
    with conn.transaction():
        published = conn.execute(_PUBLISH, (batch_id,)).rowcount == 1
        if published:
            conn.execute(_DIRTY, ("batch published", batch_id))
    return published


def block_batch(conn: Connection, batch_id: int) -> None:
    """A blocking check failed: the batch stays out of the marts until it is run again."""
    conn.execute(_BLOCK, (batch_id,))


def finish_plan(conn: Connection, plan_id: int, secret_key: bytes) -> bool:
    """Close a plan nothing of which is due or waiting in any step; says whether it was closed."""
    if conn.execute(_OPEN, (plan_id,)).fetchone() is None:
        return False
    waiting = conn.execute(_WAITING, (plan_id,)).fetchone()
    if (waiting and waiting[0]) or due_in_plan(conn, plan_id, secret_key):
        return False
    return conn.execute(_DONE, (plan_id,)).rowcount == 1
