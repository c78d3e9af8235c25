"""Taking the right to ask: claims and their reservation in one statement.

Claims are inserted in (provider, operation, subject_id, params_hash) order and the cap rows locked
after them in the order plan, run, day, provider, so that any mix of sessions only ever waits, never
deadlocks. Whoever inserted may ask. Re-opening a retry is a compare-and-set on its attempt.

Belongs here: the claim statement. Does not: what is due (see `engine.due`), releasing and
spending (see `engine.settle`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg

from bulk_lookup_dagster.engine import budget
from bulk_lookup_dagster.engine.provider import Question

_CLAIM = """
    WITH groups AS MATERIALIZED (
        SELECT d.g FROM due d
         WHERE d.provider = %(provider)s AND d.g > %(after)s
           AND (d.claim_id IS NOT NULL OR (  -- not EXISTS: that may be hashed, reading all claims
               SELECT c.claim_id FROM ledger.claims c
                WHERE c.provider = d.provider AND c.operation = d.operation
                  AND c.subject_id = d.subject_id AND c.params_hash = d.params_hash
                  AND c.epoch = d.epoch LIMIT 1) IS NULL)
         GROUP BY d.g ORDER BY d.g LIMIT %(subjects)s
    ),
    priced AS MATERIALIZED (
        SELECT d.*, sum(d.max_micros) OVER (ORDER BY d.g) AS running
          FROM due d JOIN groups USING (g)
         WHERE d.provider = %(provider)s
    ),
    picked AS MATERIALIZED (
        SELECT * FROM priced
         WHERE %(free)s::bigint IS NULL OR running <= %(free)s::bigint
    ),
    inserted AS (
        INSERT INTO ledger.claims AS c
               (provider, operation, subject_id, params_hash, epoch, attempt, state, plan_id,
                run_id, budget_day, worker_id, reserved_micros, claimed_at, deadline_at)
        SELECT provider, operation, subject_id, params_hash, epoch, 1, 'claimed', %(plan_id)s,
               %(run_id)s, %(day)s, %(worker_id)s, max_micros, clock_timestamp(),
               clock_timestamp() + %(deadline)s
          FROM picked WHERE claim_id IS NULL
         ORDER BY provider, operation, subject_id, params_hash
        ON CONFLICT DO NOTHING
        RETURNING claim_id, operation, subject_id, params_hash, attempt, reserved_micros
    ),
    free_again AS MATERIALIZED (
        SELECT c.claim_id, p.max_micros
          FROM ledger.claims c JOIN picked p ON p.claim_id = c.claim_id AND p.attempt = c.attempt
         WHERE c.state = 'failed'
           AND (SELECT count(*) FROM inserted) >= 0
         ORDER BY c.claim_id FOR UPDATE OF c SKIP LOCKED
    ),
    reopened AS (
        UPDATE ledger.claims c
           SET state = 'claimed', attempt = c.attempt + 1, plan_id = %(plan_id)s,
               run_id = %(run_id)s, budget_day = %(day)s, worker_id = %(worker_id)s,
               reserved_micros = f.max_micros, cost_micros = NULL, settled_at = NULL,
               retry_at = NULL, error_class = NULL, error_code = NULL,
               external_id = NULL, next_poll_at = NULL,
               claimed_at = clock_timestamp(), deadline_at = clock_timestamp() + %(deadline)s
          FROM free_again f WHERE c.claim_id = f.claim_id
        RETURNING c.claim_id, c.operation, c.subject_id, c.params_hash, c.attempt,
                  c.reserved_micros
    ),
    won AS MATERIALIZED (SELECT * FROM inserted UNION ALL SELECT * FROM reopened),
    total AS MATERIALIZED (SELECT coalesce(sum(reserved_micros), 0)::bigint AS amount FROM won),
    locked AS MATERIALIZED (
        SELECT b.scope, b.key FROM ledger.budgets b
         WHERE (b.scope, b.key) IN (('plan', %(plan_key)s), ('run', %(run_key)s),
                                    ('day', %(day_key)s), ('provider', %(provider_key)s))
           AND (SELECT amount FROM total) > 0
         ORDER BY array_position(ARRAY['plan', 'run', 'day', 'provider'], b.scope::text)
           FOR UPDATE
    ),
    reserved AS (
        UPDATE ledger.budgets b
           SET reserved_micros = b.reserved_micros + (SELECT amount FROM total)
          FROM locked l WHERE b.scope = l.scope AND b.key = l.key
        RETURNING 1
    )
    SELECT w.claim_id, w.attempt, p.subject_id, p.value, p.operation, p.params, p.max_micros,
           p.g, p.running, (SELECT max(g) FROM groups), (SELECT count(*) FROM reserved)
      FROM (SELECT true) always
      LEFT JOIN priced p ON true
      LEFT JOIN won w ON w.operation = p.operation AND w.subject_id = p.subject_id
                     AND w.params_hash = p.params_hash
     ORDER BY p.g
"""

_NO_PARAMS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class ClaimTerms:
    """On whose behalf claims are made: plan, run and its budget, day, worker, longest life."""

    provider: str
    plan_id: int
    run_id: int
    day: date
    worker_id: int
    deadline: timedelta
    budget_key: str = ""

    def parameters(self) -> dict[str, Any]:
        """Parameters of the claim statement."""
        return {
            "provider": self.provider,
            "plan_id": self.plan_id,
            "run_id": self.run_id,
            "day": self.day,
            "worker_id": self.worker_id,
            "deadline": self.deadline,
            "plan_key": str(self.plan_id),
            "run_key": self.budget_key or str(self.run_id),
            "day_key": self.day.isoformat(),
            "provider_key": budget.provider_key(self.provider, self.day),
        }


@dataclass(frozen=True, slots=True)
class Claimed:
    """Claims asked in one exchange, each with its attempt: one subject's, or a batch's."""

    questions: tuple[Question, ...]
    attempts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClaimBatch:
    """What one claim statement won.

    `subjects` has one item per subject; `after` is where the next one goes on; `exhausted` says
    that nothing claimable is left; `unaffordable` that the next subject does not fit under a cap;
    `lost` counts claims others won.
    """

    subjects: tuple[Claimed, ...]
    after: int
    exhausted: bool
    unaffordable: bool
    lost: int


async def claim(
    conn: psycopg.AsyncConnection, terms: ClaimTerms, *, after: int, subjects: int
) -> ClaimBatch:
    """Claim up to `subjects` subjects of `due` beyond position `after`, and reserve their price.

    The connection is in autocommit: the statement commits, with its reservation, or not at all.
    Where not everything fits under the caps, what fits is taken.
    """
    parameters = terms.parameters() | {"after": after, "subjects": subjects, "free": None}
    while True:
        try:
            cursor = await conn.execute(_CLAIM, parameters)
            return _batch(await cursor.fetchall(), after, parameters["free"])
        except psycopg.errors.CheckViolation as error:
            if error.diag.constraint_name != "budgets_cap_check":
                raise
            parameters["free"] = await budget.free_micros(conn, terms.parameters())


def _batch(rows: list[tuple[Any, ...]], after: int, free: int | None) -> ClaimBatch:
    last = rows[0][9]
    if last is None:
        return ClaimBatch((), after, exhausted=True, unaffordable=False, lost=0)
    grouped: dict[int, list[tuple[Any, ...]]] = {}
    lost = 0
    for row in rows:
        if free is not None and row[8] > free:
            return ClaimBatch(_subjects(grouped), row[7] - 1, False, unaffordable=True, lost=lost)
        if row[0] is None:
            lost += 1
        else:
            grouped.setdefault(row[7], []).append(row)
    return ClaimBatch(_subjects(grouped), last, False, unaffordable=False, lost=lost)


def _subjects(grouped: Mapping[int, list[tuple[Any, ...]]]) -> tuple[Claimed, ...]:
    return tuple(
        Claimed(
            tuple(
                Question(
                    claim_id=row[0],
                    subject_id=row[2],
                    subject=row[3],
                    operation=row[4],
                    params=_NO_PARAMS if row[5] == "{}" else json.loads(row[5]),
                    max_micros=row[6],
                )
                for row in won
            ),
            tuple(row[1] for row in won),
        )
        for won in grouped.values()
    )


def together(subjects: Sequence[Claimed], size: int) -> Iterator[Claimed]:
    """Claims of up to `size` subjects joined, for a vendor that takes several in one exchange."""
    if size == 1:
        yield from subjects
        return
    for start in range(0, len(subjects), size):
        part = subjects[start : start + size]
        yield Claimed(
            tuple(question for one in part for question in one.questions),
            tuple(attempt for one in part for attempt in one.attempts),
        )
