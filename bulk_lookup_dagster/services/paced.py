"""Requests outside a run, held to the rate, stops and circuits that every process shares.

A run's gate asks the same of the same rows before each send (`engine.gate`). This is for callers
that claim nothing and send a few requests one after the other; nothing here repeats one.

Belongs here: a turn, and what its end means for everybody. Does not: requests (`resources`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime

import psycopg

from bulk_lookup_dagster.core.errors import ProviderError, ProviderUnavailable, RateLimited
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.breaker import SYNC_INTERVAL, Breaker
from bulk_lookup_dagster.engine.gate import is_healthy
from bulk_lookup_dagster.engine.limiter import Limiter
from bulk_lookup_dagster.engine.link import LOST
from bulk_lookup_dagster.engine.options import ProviderLimits
from bulk_lookup_dagster.engine.stops import stop_of, stop_provider
from bulk_lookup_dagster.engine.worker import Worker
from bulk_lookup_dagster.services.providers import provider_limits
from bulk_lookup_dagster.storage.database import connect_async

SESSION = "bulk-lookup paced"
_MEND = "Once it may be asked again:"
_WAIT = "Try again then, or once it is mended:"


class Paced:
    """One provider's turns (`resources.turns.Turns`); see `paced`."""

    def __init__(
        self, conn: psycopg.AsyncConnection, worker_id: int, provider: str, limits: ProviderLimits
    ) -> None:
        self._conn = conn
        self._worker_id = worker_id
        self._provider = provider
        self._limits = limits
        self._limiter = Limiter(conn, provider, limits.requests_per_second)
        self._breakers: dict[str, Breaker] = {}
        self._answered = False

    async def check(self, endpoints: Collection[str]) -> None:
        """Raise `ProviderUnavailable` where the provider or one of these may not be asked now."""
        await self._refuse_stopped()
        for endpoint in endpoints:
            breaker = self._breaker(endpoint)
            await breaker.sync()
            due = breaker.probe_from is None or breaker.probe_from <= datetime.now(UTC)
            if not (breaker.closed or breaker.probing or due):
                raise self._open(endpoint, breaker)

    @asynccontextmanager
    async def turn(self, endpoint: str) -> AsyncIterator[None]:
        """A slot of the shared rate; the body's end is counted for the endpoint's circuit."""
        await self._admit(endpoint)
        if await self._slot() > SYNC_INTERVAL:
            await self._admit(endpoint)
        try:
            yield
        except ProviderError as error:
            await self._note(endpoint, error)
            raise
        await self._note(endpoint, None)

    async def give_probes_back(self) -> None:
        """Probes that were taken and not used are left to others."""
        with suppress(*LOST):  # a probe whose owner is gone expires
            for breaker in self._breakers.values():
                await breaker.give_back()

    async def _admit(self, endpoint: str) -> None:
        await self._refuse_stopped()
        breaker = self._breaker(endpoint)
        await breaker.sync()
        if not (breaker.closed or breaker.probing or await breaker.try_probe()):
            raise self._open(endpoint, breaker)

    async def _refuse_stopped(self) -> None:
        stop = await stop_of(self._conn, self._provider)
        if stop is None:
            return
        until = f" until {_moment(stop.until)}" if stop.until else ""
        raise ProviderUnavailable(
            f"{self._provider} is {stop.state}{until}: {stop.reason.rstrip('.')}.",
            until=stop.until,
            fix=f"{_WAIT if stop.until else _MEND} bulk-lookup resume {self._provider}.",
        )

    def _open(self, endpoint: str, breaker: Breaker) -> ProviderUnavailable:
        until = breaker.probe_from
        told = f" until {_moment(until)}" if until else ""
        return ProviderUnavailable(
            f"{self._provider} failed too often: its circuit {endpoint} is open{told}.",
            until=until,
            fix=f"{_WAIT} bulk-lookup resume {self._provider}.",
        )

    async def _slot(self) -> float:
        """Seconds waited until a slot came."""
        began = time.monotonic()
        slot = await self._limiter.renew()
        await asyncio.sleep(max(0.0, slot - time.monotonic()))
        return time.monotonic() - began

    async def _note(self, endpoint: str, error: ProviderError | None) -> None:
        healthy = error is None or is_healthy(error, answers=self._answered)
        self._answered = self._answered or healthy
        breaker = self._breaker(endpoint)
        breaker.note(healthy=healthy)
        # What was answered counts more than its count; the next turn meets the lost session.
        with suppress(*LOST):
            if error is not None and error.stops_provider:
                await stop_provider(self._conn, self._provider, error)
            if isinstance(error, RateLimited) and error.retry_after:
                await self._limiter.hold(min(error.retry_after, self._limits.max_retry_after))
            await breaker.sync()

    def _breaker(self, endpoint: str) -> Breaker:
        found = self._breakers.get(endpoint)
        if found is None:
            key = f"{self._provider}/{endpoint}"
            found = Breaker(self._conn, key, self._limits.breaker, self._worker_id)
            self._breakers[endpoint] = found
        return found


@asynccontextmanager
async def paced(dsn: str, provider: str, settings: Settings) -> AsyncIterator[Paced]:
    """Turns of a provider at the settings' rate, for one event loop."""
    async with AsyncExitStack() as stack:
        worker = await Worker.register(dsn)
        stack.push_async_callback(worker.close)
        conn = await connect_async(dsn, autocommit=True, name=SESSION)
        stack.push_async_callback(conn.close)
        turns = Paced(conn, worker.worker_id, provider, provider_limits(settings)[provider])
        stack.push_async_callback(turns.give_probes_back)
        yield turns


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
