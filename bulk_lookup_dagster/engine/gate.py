"""Whether a provider may be asked right now: registration, stops, circuits, rate.

Belongs here: the checks before each send, and what a send's end means for them. Does not: the
limiter's and breaker's statements (see their modules).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from datetime import timedelta

from bulk_lookup_dagster.core.errors import (
    BadResponse,
    ProviderError,
    RateLimited,
    TransientFailure,
    UnknownOutcome,
)
from bulk_lookup_dagster.engine.breaker import SYNC_INTERVAL, Breaker
from bulk_lookup_dagster.engine.claims import Claimed
from bulk_lookup_dagster.engine.limiter import Limiter
from bulk_lookup_dagster.engine.link import LOST, Link
from bulk_lookup_dagster.engine.options import ProviderLimits
from bulk_lookup_dagster.engine.provider import Provider
from bulk_lookup_dagster.engine.stops import stop_provider, stopped_providers
from bulk_lookup_dagster.engine.trial import Trial
from bulk_lookup_dagster.engine.worker import Worker

_UNHEALTHY = (TransientFailure, UnknownOutcome, BadResponse)
_SLEEP_FLOOR = 0.002


def is_healthy(error: ProviderError, *, answers: bool) -> bool:
    """Whether a failure says nothing against the provider's health; `answers`: it did lately.

    "Slow down" from who answers otherwise is health; from who never answers it is not.
    """
    return answers if isinstance(error, RateLimited) else not isinstance(error, _UNHEALTHY)


class Gate:
    """One provider's gate in one run.

    `stopped` is why the provider may not be asked for the rest of this run, or ''.
    `failed` says that asking met a fault of our own: the run ends with it, nothing more is sent.
    `database_lost` says that a shared state could not be read: nothing is sent until the run has
    reconnected.
    """

    def __init__(
        self, link: Link, worker: Worker, provider: Provider, limits: ProviderLimits
    ) -> None:
        self._link = link
        self._worker = worker
        self._provider = provider
        self._limits = limits
        self._breakers: dict[str, Breaker] = {}
        self._trials: dict[str, Trial] = {}
        self._stops_read_at = 0.0
        self.limiter = Limiter(link.conn, provider.name, limits.requests_per_second)
        self.stopped = ""
        self.failed = False
        self.database_lost = False

    @property
    def open(self) -> bool:
        """Whether a request may go out at all."""
        lost = self.database_lost or self._worker.lost.is_set()
        return not (self.stopped or self.failed or lost)

    @property
    def why_left(self) -> str:
        """What keeps a stopped provider's questions due: a person, or the provider itself."""
        return "paused" if self.stopped.startswith("paused: ") else "unavailable"

    def breaker(self, claimed: Claimed) -> Breaker:
        """The circuit of the endpoint a request goes to."""
        return self._breaker(self._provider.endpoint(claimed.questions))

    def _breaker(self, endpoint: str) -> Breaker:
        found = self._breakers.get(endpoint)
        if found is None:
            key = f"{self._provider.name}/{endpoint}"
            found = Breaker(self._link.conn, key, self._limits.breaker, self._worker.worker_id)
            self._breakers[endpoint] = found
        return found

    async def load(self, operations: Collection[str]) -> None:
        """Read the shared state: stops, and circuits that are not closed.

        `operations` are those that will be asked: the circuit of another one must not hold them
        up, nor its probe be taken by a run that has nothing to ask there.
        """
        await self._read_stops()
        prefix = f"{self._provider.name}/"
        cursor = await self._link.conn.execute(
            "SELECT key FROM ops.breakers WHERE starts_with(key, %s) AND state <> 'closed'",
            (prefix,),
        )
        others = self._provider.operations.keys() - set(operations)
        for row in await cursor.fetchall():
            endpoint = row[0].removeprefix(prefix)
            if endpoint not in others:
                await self._breaker(endpoint).sync()

    async def _read_stops(self) -> None:
        self._stops_read_at = time.monotonic()
        stops = await stopped_providers(self._link.conn)
        self.stopped = stops.get(self._provider.name, "")

    async def refresh(self) -> None:
        """Synchronise what was read longer than a second ago."""
        if time.monotonic() - self._stops_read_at >= SYNC_INTERVAL:
            await self._read_stops()
        for breaker in self._breakers.values():
            if breaker.stale:
                await breaker.sync()

    @property
    def broken(self) -> bool:
        """Whether a circuit of the provider is not closed."""
        return not all(breaker.closed for breaker in self._breakers.values())

    async def allowance(self) -> int | None:
        """How many requests may be claimed: None = no bound, 1 = a probe, 0 = none now."""
        if not self.broken:
            return None
        for breaker in self._breakers.values():
            if not breaker.closed and await breaker.try_probe():
                return 1
        return 0

    async def give_probes_back(self) -> None:
        """Nothing is out any more: probes still held were not used, and others wait for them."""
        for breaker in self._breakers.values():
            await breaker.give_back()

    @property
    def probing(self) -> bool:
        """Whether a probe is under way: its outcome is worth waiting for."""
        return any(breaker.half_open for breaker in self._breakers.values())

    def admits(self, claimed: Claimed) -> bool:
        """Last look before sending."""
        breaker = self.breaker(claimed)
        return self.open and (breaker.closed or breaker.probing)

    async def enter(self, claimed: Claimed) -> None:
        """Wait while as many are out at an endpoint, not answered yet, as may fail."""
        await self._trial(claimed).enter()

    async def enter_again(self, claimed: Claimed) -> None:
        """The same before a failed request is repeated: together they may be one too many."""
        await self._trial(claimed).enter_again()

    def leave(self, claimed: Claimed) -> None:
        """What entered is no longer out."""
        self._trial(claimed).leave()

    def _trial(self, claimed: Claimed) -> Trial:
        endpoint = self._provider.endpoint(claimed.questions)
        return self._trials.setdefault(endpoint, Trial(self._limits.breaker))

    async def wait_for_slot(self, error: ProviderError | None = None) -> None:
        """A fresh slot of the shared rate; a vendor's Retry-After holds it back for everyone."""
        if isinstance(error, RateLimited) and error.retry_after:
            await self._hold(min(error.retry_after, self._limits.max_retry_after))
        await self._sleep_until(await self._renewed())

    async def keep_slot(self, slot: float) -> None:
        """Wait for a leased slot, or for a fresh one where it went by."""
        if not self.limiter.usable(slot, time.monotonic()):
            slot = await self._renewed()
        await self._sleep_until(slot)

    async def _sleep_until(self, at: float) -> None:
        pause = at - time.monotonic()
        if pause > _SLEEP_FLOOR:
            await asyncio.sleep(pause)

    async def _renewed(self) -> float:
        try:
            return await self.limiter.renew()
        except LOST:
            self.database_lost = True
            return 0.0

    async def _hold(self, pause: timedelta) -> None:
        try:
            await self.limiter.hold(pause)
        except LOST:
            self.database_lost = True

    async def note_success(self, claimed: Claimed) -> None:
        """Count an answered call for its circuit."""
        self._trial(claimed).note(healthy=True)
        if self.breaker(claimed).note(healthy=True):
            await self._sync(claimed)

    async def note_failure(self, claimed: Claimed, error: ProviderError) -> None:
        """Count a failed call; stop the provider for everyone where asking on is pointless."""
        if error.stops_provider:
            self.stopped = f"stopped: {error.code}: {error.message}"
            try:
                await stop_provider(self._link.conn, self._provider.name, error)
            except LOST:
                self.database_lost = True
        trial = self._trial(claimed)
        slowed = isinstance(error, RateLimited)
        healthy = is_healthy(error, answers=trial.passed)
        if self.breaker(claimed).note(healthy=healthy) or (trial.at_limit and not healthy):
            await self._sync(claimed)
        if not (slowed and healthy):
            trial.note(healthy=healthy)  # who waits to go out finds the circuit as it is now

    async def _sync(self, claimed: Claimed) -> None:
        try:
            await self.breaker(claimed).sync()
        except LOST:
            self.database_lost = True
