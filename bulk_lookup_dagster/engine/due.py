"""Which questions are worth money now: one statement decides, for plans and for runs alike.

A question is due when it was never asked or when its retry time has come. Expiry deletes a value
and never buys one: `expires_at` is not read here. Buying again needs a refresh policy or an
approved refresh. The epoch is fixed here and carried along, never recomputed at insert.

Belongs here: standing of questions. Does not: taking the right to ask (see `engine.claims`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString, NamedTuple, cast

import psycopg

from bulk_lookup_dagster.engine import waterfall
from bulk_lookup_dagster.engine.step import Scope, Step

STANDINGS = (
    *("new", "retry", "refresh", "later", "failed", "cached", "elsewhere", "accepted", "held"),
    *("served", "waiting"),
)
DUE = ("new", "retry", "refresh")

_STANDING = """
    WITH question AS ({questions}),
    latest AS (
        SELECT q.*, c.claim_id, c.state, c.attempt, c.epoch, c.retry_at, c.outcome,
               c.next_poll_at, p.max_micros,
               c.state = 'answered' AND (
                   -- A plan buys an answer once, however long it lives.
                   c.settled_at < now() - %(refresh_after)s::interval
                   AND c.plan_id IS DISTINCT FROM %(plan_id)s
                   OR EXISTS (
                       SELECT FROM ops.refreshes r
                        WHERE r.plan_id = %(plan_id)s AND r.provider = q.provider
                          AND r.operation = q.operation AND c.settled_at < r.answered_before
                   )
               ) AS stale
          FROM question q
          LEFT JOIN LATERAL (
              SELECT * FROM ledger.claims c
               WHERE c.provider = q.provider AND c.operation = q.operation
                 AND c.subject_id = q.subject_id AND c.params_hash = q.params_hash
               ORDER BY c.epoch DESC LIMIT 1
          ) c ON true
          LEFT JOIN LATERAL (
              SELECT p.max_micros FROM ledger.prices p
               WHERE p.version = %(price_list)s AND p.provider = q.provider
                 AND p.operation = q.operation AND p.region IN (q.region, '*')
               ORDER BY p.region = '*' LIMIT 1
          ) p ON true
         WHERE q.value IS NOT NULL
    ),
    alone AS (
        SELECT *, CASE
                   WHEN claim_id IS NULL THEN 'new'
                   WHEN stale THEN 'refresh'
                   WHEN state = 'answered' THEN 'cached'
                   WHEN state = 'failed' AND retry_at <= now() THEN 'retry'
                   WHEN state = 'failed' AND retry_at IS NOT NULL THEN 'later'
                   WHEN state = 'failed' THEN 'failed'
                   WHEN state = 'claimed' THEN 'elsewhere'
                   WHEN state = 'accepted' THEN 'accepted'
                   ELSE 'held'
               END AS own
          FROM latest
    )
"""

_COUNT = """
    SELECT provider, operation, region, standing, max_micros,
           count(*), min(coalesce(retry_at, next_poll_at))
      FROM standing
     GROUP BY provider, operation, region, standing, max_micros
"""

_FILL = """
    INSERT INTO due
    SELECT dense_rank() OVER (
               PARTITION BY provider
               ORDER BY hashint8extended(subject_id / 256, %(seed)s), subject_id{apart}
           ),
           provider, operation, subject_id, value, params::text, params_hash,
           CASE standing WHEN 'new' THEN 0 WHEN 'retry' THEN epoch ELSE epoch + 1 END,
           CASE standing WHEN 'retry' THEN claim_id END,
           CASE standing WHEN 'retry' THEN attempt END,
           max_micros
      FROM standing
     WHERE standing IN ('new', 'retry', 'refresh') AND max_micros IS NOT NULL
       AND provider = ANY (%(providers)s)
"""

_CREATE = """
    CREATE TEMP TABLE IF NOT EXISTS due (
        g bigint NOT NULL, provider text NOT NULL, operation text NOT NULL,
        subject_id bigint NOT NULL, value text NOT NULL, params text NOT NULL,
        params_hash bytea NOT NULL, epoch int NOT NULL, claim_id bigint, attempt int,
        max_micros bigint NOT NULL
    ) ON COMMIT PRESERVE ROWS
"""


@dataclass(frozen=True, slots=True)
class QuestionCount:
    """How many questions of one kind stand where; `max_micros` None = no list price.

    `standing` is one of `STANDINGS`: new, retry and refresh are due; later is a failure whose
    retry time has not come; failed is permanent; elsewhere is being asked, accepted waits for the
    vendor; held is an unknown outcome. In a waterfall, served needs no asking and waiting depends
    on an earlier position. `next_retry_at` is when later or accepted come up.
    """

    provider: str
    operation: str
    region: str | None
    standing: str
    max_micros: int | None
    count: int
    next_retry_at: Any = None

    @property
    def due(self) -> bool:
        """Whether a run would ask these."""
        return self.standing in DUE


def _statement(step: Step, tail: str) -> LiteralString:
    # `questions_sql` is written by developers next to the step, never by users.
    statement: Any = (
        _STANDING.replace("{questions}", step.questions_sql) + waterfall.standing_sql(step) + tail
    )
    return cast("LiteralString", statement)


def _parameters(
    step: Step, scope: Scope, plan_id: int | None, price_list: str, refresh_after: timedelta | None
) -> dict[str, Any]:
    return {
        **scope.parameters,
        **waterfall.parameters(step),
        "plan_id": plan_id,
        "price_list": price_list,
        "refresh_after": refresh_after,
    }


def count_questions(
    conn: psycopg.Connection,
    step: Step,
    scope: Scope,
    *,
    price_list: str,
    plan_id: int | None = None,
    refresh_after: timedelta | None = None,
) -> list[QuestionCount]:
    """Standing of every question in scope, grouped; calls nobody and changes nothing."""
    rows = conn.execute(
        _statement(step, _COUNT), _parameters(step, scope, plan_id, price_list, refresh_after)
    ).fetchall()
    return [QuestionCount(*row) for row in rows]


async def count_questions_async(
    conn: psycopg.AsyncConnection,
    step: Step,
    scope: Scope,
    *,
    price_list: str,
    plan_id: int,
    refresh_after: timedelta | None,
) -> list[QuestionCount]:
    """The same as `count_questions`, for a run that waits for what others hold."""
    cursor = await conn.execute(
        _statement(step, _COUNT), _parameters(step, scope, plan_id, price_list, refresh_after)
    )
    return [QuestionCount(*row) for row in await cursor.fetchall()]


class Due(NamedTuple):
    """What is due at one provider: requests (subjects), claims, and of which operations."""

    requests: int
    claims: int
    operations: frozenset[str]


NOTHING = Due(0, 0, frozenset())


async def list_due(
    conn: psycopg.AsyncConnection,
    step: Step,
    scope: Scope,
    *,
    providers: Sequence[str],
    price_list: str,
    plan_id: int,
    refresh_after: timedelta | None,
    seed: int,
) -> dict[str, Due]:
    """Fill the session's temp table `due`; what of it is whose.

    The order is by blocks of neighbouring subjects, shuffled by `seed`, so that processes on the
    same scope start in different places instead of waiting for each other's claims.
    """
    await conn.execute(_CREATE)
    await conn.execute("TRUNCATE due")
    await conn.execute("DROP INDEX IF EXISTS pg_temp.due_g_idx")
    parameters = _parameters(step, scope, plan_id, price_list, refresh_after)
    parameters |= {"seed": seed, "providers": list(providers)}
    fill = _FILL.replace("{apart}", ", operation, params_hash" if step.apart else "")
    await conn.execute(_statement(step, fill), parameters)
    await conn.execute("CREATE INDEX due_g_idx ON due (provider, g)")
    await conn.execute("ANALYZE due")
    cursor = await conn.execute(
        "SELECT provider, operation, max(g), count(*) FROM due GROUP BY provider, operation"
    )
    found: dict[str, Due] = {}
    for provider, operation, last, claims in await cursor.fetchall():
        one = found.get(provider, NOTHING)
        found[provider] = Due(
            max(one.requests, last), one.claims + claims, one.operations | {operation}
        )
    return found
