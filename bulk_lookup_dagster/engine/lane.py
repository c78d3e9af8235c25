"""One provider's share of a run: breaker → tokens → claim → send.

Tokens are leased first, then at most as many requests are claimed, so that nothing is claimed
that cannot be sent now. At most twice the concurrency is ever claimed and unsettled.

Belongs here: the feeder and the senders. Does not: what a send does (see `engine.retry`).
"""

from __future__ import annotations

import asyncio
import time

from bulk_lookup_dagster.engine import budget, settlement
from bulk_lookup_dagster.engine.claims import Claimed, ClaimTerms, claim, together
from bulk_lookup_dagster.engine.gate import Gate
from bulk_lookup_dagster.engine.limiter import Slots
from bulk_lookup_dagster.engine.link import LOST, Link
from bulk_lookup_dagster.engine.options import ProviderLimits, RunReport
from bulk_lookup_dagster.engine.provider import Provider
from bulk_lookup_dagster.engine.retry import Asker
from bulk_lookup_dagster.engine.writer import Writer

# What waits in the queue lasts this long, or this many claims where the database is slow.
_AHEAD_SECONDS = 0.015
_AHEAD_CLAIMS = 6
_POLL_SECONDS = 0.1


class Lane:
    """Drives one provider through the requests listed in `due` for it."""

    def __init__(
        self,
        provider: Provider,
        limits: ProviderLimits,
        terms: ClaimTerms,
        gate: Gate,
        claims: Link,
        writer: Writer,
        report: RunReport,
        ends_at: float,
        patience_s: float,
    ) -> None:
        self._limits = limits
        self._subjects = provider.subjects_per_request
        self._terms = terms
        self._gate = gate
        self._claims = claims
        self._writer = writer
        self._report = report
        self._ends_at = ends_at
        self._patience_s = patience_s
        self._asker = Asker(provider, limits, gate, terms.run_id, report, writer.add)
        self._queue: asyncio.Queue[tuple[Claimed, float, float] | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._busy = 0
        self._taken = 0
        self._rate = 0.0
        self._rated_at = time.monotonic()
        self._claim_s = 0.0
        self.left_because = ""

    async def run(self, last: int) -> None:
        """Ask everything up to position `last` of `due`, as far as caps and gates allow.

        However feeding ends, requests on the wire are let finish and what was not sent is given
        back: a lost database or a cancelled run leaves nothing unknown.
        """
        count = min(self._limits.concurrency, last)
        senders = [asyncio.create_task(self._send_loop()) for _ in range(count)]
        try:
            await self._feed(last)
        except LOST:
            self._gate.database_lost = True
            raise
        except asyncio.CancelledError:
            self._gate.stopped = "cancelled"
            raise
        finally:
            for _ in senders:
                self._queue.put_nowait(None)
            await self._finish(senders)

    async def _finish(self, senders: list[asyncio.Task[None]]) -> None:
        try:
            ended = await asyncio.gather(*senders, return_exceptions=True)
        finally:
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)
            self._release_queue()
        for error in filter(None, ended):
            raise error

    async def _feed(self, last: int) -> None:
        after = 0
        broken_since: float | None = None
        while after < last:
            wanted = await self._wanted()
            if self._writer.failed:
                return
            if not self._gate.open or time.monotonic() > self._ends_at:
                self.left_because = self._gate.why_left if self._gate.stopped else "deadline"
                return
            await self._gate.refresh()
            # A probe that failed does not start the waiting anew: each would cost a question.
            if not self._gate.broken:
                broken_since = None
            elif broken_since is None:
                broken_since = time.monotonic()
            elif self._out_of_patience(broken_since):
                self.left_because = "unavailable"
                return
            allowed = await self._gate.allowance()
            if allowed == 0:
                await asyncio.sleep(_POLL_SECONDS)
                continue
            slots = await self._gate.limiter.lease(min(wanted, allowed or wanted))
            after = await self._claim(slots, after, last)
            if allowed and self._queue.empty() and not self._busy:
                await self._gate.give_probes_back()
            if self.left_because:
                return

    def _out_of_patience(self, broken_since: float) -> bool:
        waited = time.monotonic() - broken_since
        return waited > self._patience_s and not self._gate.probing

    async def _claim(self, slots: Slots, after: int, last: int) -> int:
        while slots.count and after < last:
            slots.drop_late(time.monotonic())
            wanted = max(1, slots.count) * self._subjects
            began = time.monotonic()
            batch = await claim(self._claims.conn, self._terms, after=after, subjects=wanted)
            claimed_at = time.monotonic()
            self._claim_s += 0.3 * (claimed_at - began - self._claim_s)
            for request in together(batch.subjects, self._subjects):
                slot = slots.take() if slots.count else 0.0
                self._queue.put_nowait((request, slot, claimed_at))
            self._report.lost_to_others += batch.lost
            after = batch.after
            if batch.exhausted:
                return last
            if batch.unaffordable and not batch.subjects:
                await self._wait_for_money()
                return after
            if not self._gate.open:
                return after
        return after

    async def _wanted(self) -> int:
        """How many requests to claim next; waits until that is worth a statement."""
        while True:
            lasts = max(_AHEAD_SECONDS, _AHEAD_CLAIMS * self._claim_s)
            ahead = max(2, min(self._limits.concurrency, int(self._rate * lasts)))
            queued = self._queue.qsize()
            if queued <= ahead // 2 or not self._gate.open:
                self._measure()
                return max(1, self._limits.concurrency - self._busy + ahead - queued)
            self._room.clear()
            await self._room.wait()

    def _measure(self) -> None:
        now = time.monotonic()
        passed = now - self._rated_at
        if passed > 0.05:
            rate = self._taken / passed
            self._rate = rate if not self._rate else 0.7 * self._rate + 0.3 * rate
            self._taken = 0
            self._rated_at = now

    async def _wait_for_money(self) -> None:
        """Reservations of others may come back unspent; without any, the cap is reached."""
        tight = await budget.tightest(self._claims.conn, self._terms.parameters())
        if tight is None or tight[2] == 0:
            scope = tight[0] if tight else "plan"
            self.left_because = "cap_reached"
            self._report.stopped[self._terms.provider] = f"cap_reached: the cap of the {scope}"
        else:
            await asyncio.sleep(_POLL_SECONDS)

    async def _send_loop(self) -> None:
        queue = self._queue
        while (job := await queue.get()) is not None:
            claimed, slot, claimed_at = job
            self._busy += 1
            self._taken += 1
            self._room.set()
            sent = False
            try:
                await self._send(claimed, slot, claimed_at)
                sent = True
            finally:
                self._busy -= 1
                if not sent:
                    # A fault of ours, not the provider's: the other questions would meet it too.
                    self._gate.failed = True
                    self._room.set()

    async def _send(self, claimed: Claimed, slot: float, claimed_at: float) -> None:
        try:
            await self._gate.enter(claimed)
        except BaseException:
            self._release(claimed)
            raise
        try:
            await self._send_now(claimed, slot, claimed_at)
        finally:
            self._gate.leave(claimed)

    async def _send_now(self, claimed: Claimed, slot: float, claimed_at: float) -> None:
        give_up_at = claimed_at + self._limits.retry_window.total_seconds()
        try:
            await self._gate.keep_slot(slot)
        except BaseException:
            self._release(claimed)
            raise
        if time.monotonic() > give_up_at or not self._gate.admits(claimed):
            self._release(claimed)
        else:
            await self._asker.ask(claimed, give_up_at)

    def _release(self, claimed: Claimed) -> None:
        """Give back what was claimed and never sent: due again at once."""
        self._writer.add(
            [
                settlement.unanswered(
                    question.claim_id,
                    attempt,
                    "failed",
                    0,
                    ("unsent", None),
                    0.0,
                    settlement.UNSENT,
                )
                for question, attempt in zip(claimed.questions, claimed.attempts, strict=True)
            ]
        )

    def _release_queue(self) -> None:
        while not self._queue.empty():
            job = self._queue.get_nowait()
            if job is not None:
                self._release(job[0])
