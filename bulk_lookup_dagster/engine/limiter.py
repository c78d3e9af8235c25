"""A rate limit shared by all processes: evenly spaced slots, leased in runs from one row.

Belongs here: leasing slots and translating them to the local clock. Does not: who uses a slot
(see `engine.runner`), what limit applies (see `core.settings`).
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from datetime import timedelta

import psycopg

LOOKAHEAD = 0.1
HORIZON = 0.05
LATE = 0.04
PACE = 0.95
"""Share of an allowed rate that is used: late slots, and what bunches on the way, need room."""
SPARE = 0.001
"""Seconds of the rate that a renewal leases for the next ones: nothing but at high rates."""

_LEASE = """
    INSERT INTO ops.limiters AS l (key, next_slot_at)
    VALUES (%(key)s, clock_timestamp() + %(length)s * interval '1 second')
    ON CONFLICT (key) DO UPDATE
       SET next_slot_at = greatest(l.next_slot_at, clock_timestamp())
                          + %(length)s * interval '1 second'
    RETURNING extract(epoch FROM next_slot_at)::float8,
              extract(epoch FROM clock_timestamp())::float8
"""
_HOLD = """
    INSERT INTO ops.limiters AS l (key, next_slot_at) VALUES (%(key)s, clock_timestamp() + %(hold)s)
    ON CONFLICT (key) DO UPDATE
       SET next_slot_at = greatest(l.next_slot_at, clock_timestamp() + %(hold)s)
"""


@dataclass(slots=True)
class Slots:
    """A run of slots: `count` moments from `first` (local monotonic seconds), `spacing` apart."""

    first: float
    spacing: float
    count: int

    def take(self) -> float:
        """The next moment; the run gets shorter by one."""
        at = self.first
        self.first += self.spacing
        self.count -= 1
        return at

    def drop_late(self, now: float) -> None:
        """Give up slots too old to be used without a burst."""
        if self.count and self.spacing and now - self.first > LATE:
            late = min(self.count, math.ceil((now - LATE - self.first) / self.spacing))
            self.first += late * self.spacing
            self.count -= late


class Limiter:
    """One vendor's shared rate; `rate` None means no limit.

    A slot may be used up to `LATE` seconds after its moment; later ones are given up, so that a
    pause never turns into a burst.
    """

    def __init__(self, conn: psycopg.AsyncConnection, key: str, rate: float | None) -> None:
        self._conn = conn
        self._key = key
        self._rate = rate and rate * PACE
        self._ahead = 0.0
        self._offset = 0.0
        self._best_rtt = math.inf
        self._not_before = 0.0
        self._spare = Slots(0.0, 0.0, 0)
        self._waiting: list[asyncio.Future[float]] = []
        self._renewal: asyncio.Task[None] | None = None

    def use(self, conn: psycopg.AsyncConnection) -> None:
        """Go on with another connection, after a reconnect."""
        self._conn = conn

    async def lease(self, wanted: int) -> Slots:
        """Up to `wanted` slots, at least one; waits while enough are already held ahead of now."""
        if self._rate is None:
            return Slots(0.0, 0.0, wanted)
        wait = self._ahead - LOOKAHEAD - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        return await self._lease(min(wanted, max(1, int(self._rate * HORIZON))), self._rate)

    async def _lease(self, count: int, rate: float) -> Slots:
        began = time.monotonic()
        cursor = await self._conn.execute(_LEASE, {"key": self._key, "length": count / rate})
        row = await cursor.fetchone()
        ended = time.monotonic()
        if row is None:
            raise AssertionError("INSERT … RETURNING gave no row")
        # The offset seen over the quickest round trip so far is the most exact one.
        self._best_rtt *= 1.05
        if ended - began <= self._best_rtt:
            self._best_rtt = ended - began
            self._offset = row[1] - (began + ended) / 2
        end = row[0] - self._offset
        self._ahead = max(self._ahead, end)
        return Slots(end - count / rate, 1 / rate, count)

    def usable(self, slot: float, now: float) -> bool:
        """Whether a slot may still be used at `now`."""
        return now >= self._not_before and (self._rate is None or now - slot <= LATE)

    async def renew(self) -> float:
        """A fresh slot for a request whose own went by; simultaneous wishes share a lease."""
        if self._rate is None:
            return max(time.monotonic(), self._not_before)
        now = time.monotonic()
        self._spare.drop_late(now)
        if self._spare.count and now >= self._not_before:
            return self._spare.take()
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.ensure_future(self._renew())
        return await future

    async def _renew(self) -> None:
        rate = self._rate or 1.0
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                slots = await self._lease(len(batch) + int(rate * SPARE), rate)
            except psycopg.Error as error:
                for future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for future in batch:
                at = slots.take()
                if not future.done():
                    future.set_result(at)
            self._spare = slots

    async def hold(self, pause: timedelta) -> None:
        """Nobody sends before `pause` is over: the vendor asked for it."""
        self._not_before = max(self._not_before, time.monotonic() + pause.total_seconds())
        await self._conn.execute(_HOLD, {"key": self._key, "hold": pause})
