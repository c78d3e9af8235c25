"""How many requests may be out at an endpoint that has not shown yet that it lives.

A circuit opens after so many failures; what was sent before the first of them came back fails too.
So no more are out than may fail, until one was answered: a dead vendor is asked as often as its
circuit allows, whatever the concurrency.

Belongs here: counting in one run of one process. Does not: the circuit (`engine.breaker`).
"""

from __future__ import annotations

import asyncio
import time

from bulk_lookup_dagster.engine.options import BreakerPolicy


class Trial:
    """One endpoint's trial; over while it answered within the policy's window."""

    def __init__(self, policy: BreakerPolicy) -> None:
        self._limit = max(1, policy.failures)
        self._window = policy.window.total_seconds()
        self._answered_at: float | None = None
        self._out = 0
        self._failed = 0
        self._moved = asyncio.Event()

    @property
    def passed(self) -> bool:
        """Whether the endpoint answered lately."""
        answered_at = self._answered_at
        return answered_at is not None and time.monotonic() - answered_at < self._window

    @property
    def at_limit(self) -> bool:
        """Whether one more failure is one too many."""
        return not self.passed and self._failed + 1 >= self._limit

    async def enter(self) -> None:
        """Wait until one more request may go out; the circuit decides once too many failed."""
        await self._wait()
        self._out += 1

    async def enter_again(self) -> None:
        """The same for a request that is out, failed and will be repeated."""
        self.leave()
        try:
            await self._wait()
        finally:
            self._out += 1

    async def _wait(self) -> None:
        while not self.passed and self._failed < self._limit <= self._out + self._failed:
            self._moved.clear()
            await self._moved.wait()  # somebody is out, and everybody out leaves

    def note(self, *, healthy: bool) -> None:
        """How a request ended."""
        if healthy:
            self._answered_at = time.monotonic()
            self._failed = 0
        else:
            self._failed += 1

    def leave(self) -> None:
        """A request is no longer out."""
        self._out -= 1
        self._moved.set()
