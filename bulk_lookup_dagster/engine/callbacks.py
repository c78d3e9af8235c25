"""Settling accepted questions by what vendors sent by themselves.

A call-back is stored before anything else (`services.callbacks`); here it finds its claim and
settles it, once. One that comes before its claim is accepted, or for a name nobody knows, stays
open; one that comes after the claim was given up as unknown still settles it.

Belongs here: the match and the settling. Does not: receiving, who sent it (the vendor's client).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import psycopg

from bulk_lookup_dagster.core.errors import ProviderError
from bulk_lookup_dagster.engine.provider import CallbackProvider, Provider, Question
from bulk_lookup_dagster.engine.results import ResultTable
from bulk_lookup_dagster.engine.retry import answer_settlement
from bulk_lookup_dagster.engine.settle import Moved, settle
from bulk_lookup_dagster.engine.settlement import ExchangeFacts, Settlement, distinct_claims

PAGE = 500

_OPEN = """
    SELECT b.callback_id, b.event, b.body, extract(epoch FROM b.received_at)::float8, b.provider,
           c.attempt, c.run_id, c.claim_id, c.subject_id, coalesce(s.value, ''), c.operation,
           c.reserved_micros, c.external_id
      FROM ops.callbacks b
      JOIN ledger.claims c ON c.provider = b.provider AND c.external_id = b.external_id
      JOIN ledger.runs r ON r.run_id = c.run_id
      JOIN intake.subjects s ON s.subject_id = c.subject_id
     WHERE b.handled_at IS NULL AND c.state IN ('accepted', 'unknown_outcome')
       AND r.step = %(step)s AND b.provider = ANY (%(providers)s)
     ORDER BY b.callback_id, c.claim_id LIMIT %(page)s FOR UPDATE OF b SKIP LOCKED
"""
_HANDLED = """
    UPDATE ops.callbacks b SET handled_at = clock_timestamp(), result = h.result
      FROM unnest(%s::bigint[], %s::text[]) AS h (callback_id, result)
     WHERE b.callback_id = h.callback_id
"""


class _Told(NamedTuple):
    callback_id: int
    event: str
    body: bytes
    received_at: float
    provider: str
    attempt: int
    run_id: int
    claim_id: int
    subject_id: int
    subject: str
    operation: str
    max_micros: int
    external_id: str

    @property
    def question(self) -> Question:
        return Question(
            self.claim_id,
            self.subject_id,
            self.subject,
            self.operation,
            {},
            self.max_micros,
            self.external_id,
        )

    @property
    def columns(self) -> str:
        """Not a request of ours: only when it came and from whom."""
        facts = ExchangeFacts("", self.provider, self.run_id, "callback", 1, self.received_at, 0)
        return "\\N" + facts.columns()


async def settle_callbacks(
    conn: psycopg.AsyncConnection[Any],
    step: str,
    providers: Mapping[str, Provider],
    table: ResultTable,
) -> list[Moved]:
    """Settle what call-backs tell about a step's accepted questions; returns the claims moved.

    `conn` is prepared for settling (`engine.settle.prepare`). A call-back and its claims move in
    one transaction, so a crash leaves both as they were.
    """
    able = sorted(name for name, one in providers.items() if isinstance(one, CallbackProvider))
    moved: list[Moved] = []
    while able:
        async with conn.transaction():
            cursor = await conn.execute(_OPEN, {"step": step, "providers": able, "page": PAGE})
            told = [_Told._make(row) for row in await cursor.fetchall()]
            results: dict[int, str] = {}
            lines = [line for one in told if (line := _line(one, providers, results))]
            for group in distinct_claims(lines, PAGE):
                moved += (await settle(conn, group, providers, table))[0]
            await conn.execute(_HANDLED, (list(results), list(results.values())))
        if len(told) < PAGE:
            break
    return moved


def _line(
    told: _Told, providers: Mapping[str, Provider], results: dict[int, str]
) -> Settlement | None:
    provider: Any = providers[told.provider]
    try:
        answer = provider.callback_answer(told.question, told.event, told.body)
    except ProviderError:
        # Stored and signed, but not what the contract says: polling and the deadline remain.
        results[told.callback_id] = "refused"
        return None
    if answer is None or answer.accepted is not None:
        # A step on the way settles nothing, and must not stand before the end in one page.
        results.setdefault(told.callback_id, "ignored")
        return None
    results[told.callback_id] = "settled"
    return answer_settlement(provider, answer, told.question, told.attempt, told.columns)
