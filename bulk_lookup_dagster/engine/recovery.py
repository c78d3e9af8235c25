"""What a dead process leaves behind: spool settled, open claims resolved, its run closed.

A claim is taken from its owner only when the owner's session is gone *and* the longest call it
can have on the wire is over. It may have been sent, so it becomes `unknown_outcome` and its
reservation counts as spent, unless asking again is free. An accepted claim has no owner: it is
polled by whoever runs (see `engine.polling`) and resolved alike once its time is over.

Belongs here: these steps. Does not: noticing that a session is gone (see `engine.worker`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import psycopg
import structlog

from bulk_lookup_dagster.engine.provider import Provider
from bulk_lookup_dagster.engine.results import ResultTable
from bulk_lookup_dagster.engine.settle import settle
from bulk_lookup_dagster.engine.settlement import decode, distinct_claims
from bulk_lookup_dagster.engine.spool import dead_spools
from bulk_lookup_dagster.engine.worker import LIVE_WORKERS
from bulk_lookup_dagster.engine.writer import GROUP

_DEAD = f"""
    c.worker_id IS NOT NULL AND c.state = 'claimed' AND c.deadline_at < clock_timestamp()
    AND c.worker_id NOT IN ({LIVE_WORKERS})
"""
_OVERDUE = """
    c.state = 'accepted' AND c.claimed_at < clock_timestamp() - %(accepted_for)s::interval
"""
_RESOLVE = """
    WITH orphan AS MATERIALIZED (
        SELECT c.claim_id FROM ledger.claims c
         WHERE {which}
         ORDER BY c.claim_id LIMIT 5000 FOR UPDATE SKIP LOCKED
    ),
    moved AS (
        UPDATE ledger.claims c
           SET state = CASE WHEN free THEN 'failed' ELSE 'unknown_outcome' END,
               worker_id = NULL, settled_at = clock_timestamp(), error_class = '{why}',
               next_poll_at = NULL,
               retry_at = CASE WHEN free THEN clock_timestamp() END,
               cost_micros = c.reserved_micros
          FROM (SELECT o.claim_id, f.reserved_micros = 0
                       OR (f.provider, f.operation) IN (
                           SELECT * FROM unnest(%(providers)s::text[], %(operations)s::text[])
                       ) AS free
                  FROM orphan o JOIN ledger.claims f USING (claim_id)) o
         WHERE c.claim_id = o.claim_id
        RETURNING c.plan_id, c.budget_day, c.provider, c.reserved_micros,
                  (SELECT coalesce(nullif(r.budget_key, ''), r.run_id::text)
                     FROM ledger.runs r WHERE r.run_id = c.run_id) AS run_key
    ),
    change AS MATERIALIZED (
        SELECT scope, key, sum(reserved_micros)::bigint AS amount
          FROM moved CROSS JOIN LATERAL (VALUES
               ('plan', plan_id::text), ('run', run_key), ('day', budget_day::text),
               ('provider', provider || ':' || budget_day)) AS k (scope, key)
         GROUP BY scope, key
    ),
    locked AS MATERIALIZED (
        SELECT b.scope, b.key, c.amount FROM ledger.budgets b JOIN change c USING (scope, key)
         ORDER BY array_position(ARRAY['plan', 'run', 'day', 'provider'], b.scope::text), b.key
           FOR UPDATE OF b
    ),
    spent AS (
        UPDATE ledger.budgets b
           SET reserved_micros = b.reserved_micros - l.amount,
               spent_micros = b.spent_micros + l.amount
          FROM locked l WHERE b.scope = l.scope AND b.key = l.key
    )
    SELECT count(*) FROM moved
"""
_ORPHANS = (
    _RESOLVE.replace("{which}", _DEAD).replace("{why}", "owner_died"),
    _RESOLVE.replace("{which}", _OVERDUE).replace("{why}", "never_answered"),
)  # built from constants
_END_RUNS = f"""
    UPDATE ledger.runs r
       SET finished_at = clock_timestamp(),
           summary = coalesce(summary, '{{}}') || '{{"error": "OwnerDied"}}'
     WHERE finished_at IS NULL AND worker_id IS NOT NULL AND worker_id NOT IN ({LIVE_WORKERS})
       AND NOT EXISTS (SELECT FROM ledger.claims c
                        WHERE c.worker_id = r.worker_id AND c.state = 'claimed')
"""  # built from constants
DEFAULT_ACCEPTED_FOR = timedelta(days=1)

_log = structlog.get_logger(__name__)


async def settle_dead_spools(
    conn: psycopg.AsyncConnection,
    folder: Path,
    providers: Mapping[str, Provider],
    table: ResultTable,
) -> int:
    """Settle what dead processes of this machine received and did not commit; counts claims.

    A spool with answers of a provider this run does not drive is left for one that does.
    """
    settled = 0
    for spool in dead_spools(folder):
        lines = []
        damaged = 0
        for line in spool.lines:
            try:
                lines.append(decode(line))
            except ValueError:
                damaged += 1
        if damaged:
            _log.error("spool_line_damaged", spool=spool.path.name, lines=damaged)
        wanted = {line.line.split(b"\t")[-2].decode() for line in lines if line.body is not None}
        if not wanted <= providers.keys():
            continue
        # A file keeps what was committed already: a claim may have an older line in it.
        for group in distinct_claims(lines, GROUP):
            moved, _ = await settle(conn, group, providers, table)
            settled += len(moved)
        spool.path.unlink()
    return settled


async def recover_orphans(
    conn: psycopg.AsyncConnection,
    free_operations: Sequence[tuple[str, str]],
    accepted_for: timedelta = DEFAULT_ACCEPTED_FOR,
) -> int:
    """Resolve the overdue claims of dead owners and of silent vendors; returns how many.

    `free_operations` are (provider, operation) pairs whose policy is to ask again; `accepted_for`
    is how long an accepted claim may wait for its answer.
    """
    parameters = {
        "accepted_for": accepted_for,
        "providers": [provider for provider, _ in free_operations],
        "operations": [operation for _, operation in free_operations],
    }
    total = 0
    for statement in _ORPHANS:
        while True:
            row = await (await conn.execute(statement.encode(), parameters)).fetchone()
            if row is None or not row[0]:
                break
            total += row[0]
    return total


async def end_dead_runs(conn: psycopg.AsyncConnection) -> int:
    """Close the runs whose process died, once all its claims are resolved; returns how many."""
    return (await conn.execute(_END_RUNS.encode())).rowcount


def ask_again_operations(providers: Mapping[str, Provider]) -> list[tuple[str, str]]:
    """(provider, operation) pairs whose unknown outcomes may simply be asked again."""
    return [
        (name, operation.name)
        for name, provider in providers.items()
        for operation in provider.operations.values()
        if operation.on_unknown == "ask_again"
    ]
