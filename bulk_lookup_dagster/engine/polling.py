"""Polling what vendors have accepted: a poll is a request, never a new claim and never money.

An accepted claim has no owner. Whoever runs its step takes it for as long as a call can last (its
`next_poll_at` moves ahead, a lease), asks once, and either settles it or leaves it accepted. Who
dies with a lease costs the claim that much time and nothing else.

Belongs here: taking and asking. Does not: how a question becomes accepted (see `engine.retry`),
when its time is over (see `engine.recovery`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from bulk_lookup_dagster.core.errors import PermanentFailure, ProviderError
from bulk_lookup_dagster.engine import settlement
from bulk_lookup_dagster.engine.claims import Claimed
from bulk_lookup_dagster.engine.gate import Gate
from bulk_lookup_dagster.engine.link import Link
from bulk_lookup_dagster.engine.options import ProviderLimits
from bulk_lookup_dagster.engine.provider import PollingProvider, Provider, Question
from bulk_lookup_dagster.engine.retry import Asker, error_name, error_settlements
from bulk_lookup_dagster.engine.writer import Writer

_AGAIN_SECONDS = 30.0

_TAKE = """
    WITH named AS MATERIALIZED (
        SELECT c.external_id, min(c.next_poll_at) AS since
          FROM ledger.claims c JOIN ledger.runs r USING (run_id)
         WHERE c.state = 'accepted' AND c.provider = %(provider)s AND r.step = %(step)s
           AND c.next_poll_at <= clock_timestamp()
         GROUP BY c.external_id ORDER BY since LIMIT %(requests)s
    ),
    ready AS MATERIALIZED (
        SELECT c.claim_id FROM ledger.claims c JOIN named n USING (external_id)
         WHERE c.state = 'accepted' AND c.provider = %(provider)s
           AND c.next_poll_at <= clock_timestamp()
         ORDER BY c.claim_id FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE ledger.claims c SET next_poll_at = clock_timestamp() + %(lease)s
      FROM ready r, intake.subjects s
     WHERE c.claim_id = r.claim_id AND s.subject_id = c.subject_id
    RETURNING c.external_id, c.attempt, c.claim_id, c.subject_id, coalesce(s.value, ''),
              c.operation, c.reserved_micros
"""


class Poller:
    """Polls what one provider has accepted of one step, as far as it is due now."""

    def __init__(
        self,
        provider: Provider,
        limits: ProviderLimits,
        step: str,
        gate: Gate,
        claims: Link,
        writer: Writer,
        asker: Asker,
    ) -> None:
        self._provider = provider
        self._limits = limits
        self._step = step
        self._gate = gate
        self._claims = claims
        self._writer = writer
        self._asker = asker
        self._lease = provider.deadline + limits.retry_window
        self._room = asyncio.Semaphore(limits.concurrency)

    async def run(self) -> None:
        """Poll until nothing is due or the provider must not be asked."""
        provider = self._provider
        if not isinstance(provider, PollingProvider):
            return
        while self._gate.open and await self._gate.allowance() != 0:
            taken = await self._take()
            if not taken:
                return
            await asyncio.gather(*(self._poll(provider, claimed) for claimed in taken))

    async def _take(self) -> list[Claimed]:
        cursor = await self._claims.conn.execute(
            _TAKE,
            {
                "provider": self._provider.name,
                "step": self._step,
                "requests": self._limits.concurrency * 2,
                "lease": self._lease,
            },
        )
        grouped: dict[str, list[tuple[Any, ...]]] = {}
        for row in await cursor.fetchall():
            grouped.setdefault(row[0], []).append(row)
        return [_claimed(rows) for rows in grouped.values()]

    async def _poll(self, provider: PollingProvider, claimed: Claimed) -> None:
        async with self._room:
            await self._gate.wait_for_slot()
            if not self._gate.admits(claimed):
                self._writer.add(_again(claimed, timedelta(0), None, settlement.UNSENT))
                return
            await self._exchange(provider, claimed)

    async def _exchange(self, provider: PollingProvider, claimed: Claimed) -> None:
        request_id = uuid4()
        sent_at, began = time.time(), time.perf_counter()
        self._asker.count()
        try:
            exchange = await provider.poll(claimed.questions, request_id)
        except ProviderError as error:
            facts = self._asker.facts(claimed, request_id, 1, sent_at, began, error).columns()
            self._writer.add(self._failed(claimed, error, facts))
            await self._gate.note_failure(claimed, error)
        else:
            facts = self._asker.facts(claimed, request_id, 1, sent_at, began, exchange).columns()
            self._writer.add(self._asker.answers(claimed, exchange, facts))
            await self._gate.note_success(claimed)

    def _failed(
        self, claimed: Claimed, error: ProviderError, columns: str
    ) -> list[settlement.Settlement]:
        """A failed poll says nothing about the question, unless the vendor knows it no more."""
        if isinstance(error, PermanentFailure):
            return error_settlements(self._provider, claimed, error, columns)
        wait = error.retry_after or timedelta(seconds=_AGAIN_SECONDS)
        return _again(claimed, wait, error, columns)


def _again(
    claimed: Claimed, wait: timedelta, error: ProviderError | None, columns: str
) -> list[settlement.Settlement]:
    return [
        settlement.accepted(
            question.claim_id,
            attempt,
            question.external_id or "",
            wait.total_seconds(),
            None if error is None else error_name(error),
            columns,
        )
        for question, attempt in zip(claimed.questions, claimed.attempts, strict=True)
    ]


def _claimed(rows: Sequence[tuple[Any, ...]]) -> Claimed:
    return Claimed(
        tuple(
            Question(
                claim_id=row[2],
                subject_id=row[3],
                subject=row[4],
                operation=row[5],
                params={},
                max_micros=row[6],
                external_id=row[0],
            )
            for row in rows
        ),
        tuple(row[1] for row in rows),
    )
