"""Settling: outcome, cost and body into the ledger first, parsed rows under a savepoint after.

What is committed first depends on no parsed value, so that one bad row never costs the paid
answers beside it: it goes to `ops.quarantine`, its body stays for `replay`.

Belongs here: the settle transaction. Does not: when it runs (see `engine.writer`), rows of a
step's table (see `engine.results`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg

from bulk_lookup_dagster.engine.provider import Provider
from bulk_lookup_dagster.engine.results import Answered, ResultTable
from bulk_lookup_dagster.engine.settlement import COLUMNS, Settlement

_CREATE = f"CREATE TEMP TABLE IF NOT EXISTS settling ({COLUMNS}) ON COMMIT DELETE ROWS"
_COPY = "COPY settling FROM STDIN"

_SETTLE = """
    WITH held AS MATERIALIZED (
        SELECT c.claim_id, c.state, c.cost_micros
          FROM ledger.claims c JOIN settling s USING (claim_id, attempt)
         WHERE s.state <> 'retrying'
           AND (c.state IN ('claimed', 'accepted')
                OR c.state = 'unknown_outcome' AND s.state = 'answered')
         ORDER BY c.claim_id FOR UPDATE OF c
    ),
    moved AS (
        UPDATE ledger.claims c
           SET state = s.state, outcome = s.outcome, worker_id = NULL,
               cost_micros = CASE s.state WHEN 'unknown_outcome' THEN c.reserved_micros
                                          WHEN 'accepted' THEN NULL
                                          ELSE s.cost_micros END,
               settled_at = CASE WHEN s.state <> 'accepted' THEN clock_timestamp() END,
               external_id = coalesce(s.external_id, c.external_id),
               next_poll_at = clock_timestamp() + s.poll_s * interval '1 second',
               error_class = s.error_class,
               error_code = s.error_code, body_hash = s.body_hash,
               retry_at = clock_timestamp() + s.retry_s * interval '1 second'
          FROM held h JOIN settling s USING (claim_id)
         WHERE c.claim_id = h.claim_id AND s.state <> 'retrying'
        RETURNING c.claim_id, c.subject_id, c.provider, c.operation, c.params_hash, c.plan_id,
                  c.run_id, c.budget_day, c.state, c.outcome,
                  coalesce(c.cost_micros, 0) AS cost_micros, c.reserved_micros, c.error_class,
                  h.state AS was, h.cost_micros AS was_cost,
                  (SELECT coalesce(nullif(r.budget_key, ''), r.run_id::text)
                     FROM ledger.runs r WHERE r.run_id = c.run_id) AS run_key,
                  s.sent_at + s.duration_ms / 1000.0 AS fetched, s.keep_s
    ),
    linked AS (
        INSERT INTO ledger.request_claims (request_id, claim_id)
        SELECT request_id, claim_id FROM settling WHERE request_id IS NOT NULL
        ON CONFLICT DO NOTHING
        RETURNING request_id, claim_id
    ),
    -- The claims of one exchange may come in several groups; sent again they are not linked anew.
    asked AS (
        INSERT INTO ledger.requests AS r
               (request_id, provider, endpoint, run_id, status, error_class, error_code, attempt,
                cost_micros, claim_count, sent_at, duration_ms, response_bytes,
                vendor_request_id)
        SELECT s.request_id, min(s.provider), min(s.endpoint), min(s.run_id), min(s.status),
               min(s.error_class), min(s.error_code), min(s.try),
               sum(CASE s.state WHEN 'unknown_outcome' THEN c.reserved_micros
                                ELSE s.cost_micros END),
               count(*), to_timestamp(min(s.sent_at)), min(s.duration_ms),
               min(s.response_bytes), min(s.vendor_request_id)
          FROM linked l JOIN settling s USING (request_id, claim_id)
          JOIN ledger.claims c USING (claim_id)
         GROUP BY s.request_id
        ON CONFLICT (request_id) DO UPDATE
           SET cost_micros = r.cost_micros + EXCLUDED.cost_micros,
               claim_count = r.claim_count + EXCLUDED.claim_count
    ),
    kept AS (
        INSERT INTO ledger.bodies AS b (claim_id, body, fetched_at, expires_at)
        SELECT m.claim_id, s.body, to_timestamp(m.fetched), to_timestamp(m.fetched + m.keep_s)
          FROM moved m JOIN settling s USING (claim_id)
         WHERE s.body IS NOT NULL AND s.state <> 'retrying'
        ON CONFLICT (claim_id) DO NOTHING
    )
    SELECT claim_id, subject_id, provider, operation, params_hash, outcome, fetched, keep_s,
           state, cost_micros, error_class, was, plan_id, run_id, budget_day, reserved_micros,
           was_cost, run_key
      FROM moved
"""

_SPEND = """
    WITH change AS MATERIALIZED (
        SELECT * FROM unnest(%(scopes)s::text[], %(keys)s::text[], %(released)s::bigint[],
                             %(spent)s::bigint[], %(overrun)s::bigint[])
                      AS t (scope, key, released, spent, overrun)
    ),
    locked AS MATERIALIZED (
        SELECT b.scope, b.key, c.released, c.spent, c.overrun
          FROM ledger.budgets b JOIN change c USING (scope, key)
         ORDER BY array_position(ARRAY['plan', 'run', 'day', 'provider'], b.scope::text), b.key
           FOR UPDATE OF b
    )
    UPDATE ledger.budgets b
       SET reserved_micros = b.reserved_micros - l.released,
           spent_micros = b.spent_micros + l.spent,
           overrun_micros = b.overrun_micros + l.overrun
      FROM locked l WHERE b.scope = l.scope AND b.key = l.key
"""
_STOP = """
    INSERT INTO ops.provider_states (provider, state, reason, changed_by)
    SELECT unnest(%s::text[]), 'stopped',
           'It billed more than the list price that was reserved. Check the price list.', 'engine'
    ON CONFLICT (provider) DO UPDATE
       SET state = 'stopped', reason = EXCLUDED.reason, changed_by = 'engine',
           until = NULL, changed_at = now()
"""


class Moved(NamedTuple):
    """A claim that this settling moved: its key, its new state and what it was before."""

    claim_id: int
    subject_id: int
    provider: str
    operation: str
    params_hash: bytes
    outcome: str | None
    fetched: float
    keep_s: float | None
    state: str
    cost_micros: int
    error_class: str | None
    was: str
    plan_id: int
    run_id: int
    budget_day: object
    reserved_micros: int
    was_cost: int | None
    run_key: str


@dataclass(slots=True)
class _Changes:
    """Sums per budget row: released, spent, overrun."""

    rows: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    overrun_by: set[str] = field(default_factory=set)

    def add(self, claim: Moved) -> None:
        if claim.state == "accepted":
            return  # its reservation stays
        late = claim.was == "unknown_outcome"
        released = 0 if late else claim.reserved_micros
        spent = claim.cost_micros - (claim.was_cost or 0 if late else 0)
        overrun = max(0, claim.cost_micros - claim.reserved_micros)
        if overrun:
            self.overrun_by.add(claim.provider)
        day = str(claim.budget_day)
        for key in (
            ("plan", str(claim.plan_id)),
            ("run", claim.run_key),
            ("day", day),
            ("provider", f"{claim.provider}:{day}"),
        ):
            row = self.rows.setdefault(key, [0, 0, 0])
            row[0] += released
            row[1] += spent
            row[2] += overrun

    def parameters(self) -> dict[str, list[object]]:
        return {
            "scopes": [key[0] for key in self.rows],
            "keys": [key[1] for key in self.rows],
            "released": [row[0] for row in self.rows.values()],
            "spent": [row[1] for row in self.rows.values()],
            "overrun": [row[2] for row in self.rows.values()],
        }


async def prepare(conn: psycopg.AsyncConnection) -> None:
    """Make the session ready to settle."""
    await conn.execute(_CREATE)
    await conn.commit()


async def settle(
    conn: psycopg.AsyncConnection,
    settlements: Sequence[Settlement],
    providers: Mapping[str, Provider],
    table: ResultTable,
) -> tuple[list[Moved], int]:
    """Commit a group; returns the claims it moved and how many parsed rows were quarantined.

    Safe to repeat: a claim that is already settled is left alone, so a group whose commit was
    not acknowledged is simply sent again.
    """
    async with conn.transaction():
        cursor = conn.cursor()
        async with cursor.copy(_COPY) as copy:
            await copy.write(b"".join([one.line for one in settlements]))
        await cursor.execute(_SETTLE)
        moved = [Moved._make(row) for row in await cursor.fetchall()]
        await _spend(cursor, moved)
        bodies = {one.claim_id: one.body for one in settlements if one.body is not None}
        answers = [
            (Answered._make(claim[:8]), bodies[claim.claim_id])
            for claim in moved
            if claim.state == "answered"
        ]
        quarantined = await table.store(conn, answers, providers) if answers else 0
    return moved, quarantined


async def _spend(cursor: psycopg.AsyncCursor, moved: Sequence[Moved]) -> None:
    changes = _Changes()
    for claim in moved:
        changes.add(claim)
    if any(any(row) for row in changes.rows.values()):
        await cursor.execute(_SPEND, changes.parameters())
    if changes.overrun_by:
        await cursor.execute(_STOP, (sorted(changes.overrun_by),))
