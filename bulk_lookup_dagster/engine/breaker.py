"""A circuit per provider and endpoint, shared by all processes through one row.

Checked locally before each call, synchronised about once a second, moved by single statements:
closed → open when a window has too many failures, open → half-open for exactly one probe, then
closed or open again. A probe whose owner died is given to another after `PROBE_EXPIRY`.

Belongs here: the circuit. Does not: which failures count (see `engine.retry`).
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import psycopg

from bulk_lookup_dagster.engine.options import BreakerPolicy

SYNC_INTERVAL = 1.0
PROBE_EXPIRY = timedelta(seconds=120)

_SYNC = """
    INSERT INTO ops.breakers AS b (key, calls, failures, window_started_at)
    VALUES (%(key)s, %(calls)s, %(failures)s, clock_timestamp())
    ON CONFLICT (key) DO UPDATE SET
        calls = %(calls)s + CASE WHEN b.window_started_at < now() - %(window)s
                                 THEN 0 ELSE b.calls END,
        failures = %(failures)s + CASE WHEN b.window_started_at < now() - %(window)s
                                       THEN 0 ELSE b.failures END,
        window_started_at = CASE WHEN b.window_started_at < now() - %(window)s
                                 THEN now() ELSE b.window_started_at END
    RETURNING state, CASE state WHEN 'open' THEN opened_at + %(cool_off)s
                                WHEN 'half_open' THEN probe_at + %(expiry)s END
"""
_OPEN = """
    UPDATE ops.breakers SET state = 'open', opened_at = now(), probe_at = NULL,
           probe_worker_id = NULL
     WHERE key = %(key)s AND state = 'closed' AND failures >= %(limit)s AND failures * 2 >= calls
    RETURNING state
"""
_PROBE = """
    UPDATE ops.breakers SET state = 'half_open', probe_at = now(), probe_worker_id = %(worker)s
     WHERE key = %(key)s
       AND ((state = 'open' AND opened_at + %(cool_off)s <= now())
            OR (state = 'half_open' AND probe_at + %(expiry)s <= now()))
    RETURNING state
"""
_PROBED = """
    UPDATE ops.breakers
       SET state = CASE WHEN %(healthy)s THEN 'closed' ELSE 'open' END, calls = 0, failures = 0,
           window_started_at = now(), probe_at = NULL, probe_worker_id = NULL,
           opened_at = CASE WHEN %(healthy)s THEN NULL ELSE now() END
     WHERE key = %(key)s AND state = 'half_open' AND probe_worker_id = %(worker)s
    RETURNING state
"""
_GIVE_BACK = """
    UPDATE ops.breakers SET state = 'open', probe_at = NULL, probe_worker_id = NULL
     WHERE key = %(key)s AND state = 'half_open' AND probe_worker_id = %(worker)s
"""


class Breaker:
    """This process's view of one shared circuit.

    `probing`: its one probe is ours. `probe_from`: since or from when a probe may be taken, as last
    read; None while it is closed.
    """

    def __init__(
        self, conn: psycopg.AsyncConnection, key: str, policy: BreakerPolicy, worker_id: int
    ) -> None:
        self._conn = conn
        self._worker_id = worker_id
        self._calls = 0
        self._failures = 0
        self._synced_at = 0.0
        self._state = "closed"
        self.probing = False
        self.probe_from: datetime | None = None
        self._policy = policy
        self._parameters = {
            "key": key,
            "window": policy.window,
            "cool_off": policy.cool_off,
            "expiry": PROBE_EXPIRY,
            "limit": policy.failures,
        }

    def use(self, conn: psycopg.AsyncConnection, worker_id: int) -> None:
        """Go on with another connection and registration, after a reconnect."""
        self._conn = conn
        self._worker_id = worker_id

    @property
    def closed(self) -> bool:
        """Whether calls may go out freely."""
        return self._state == "closed"

    @property
    def half_open(self) -> bool:
        """Whether somebody's probe is under way, as far as we know."""
        return self._state == "half_open"

    def note(self, *, healthy: bool) -> bool:
        """Count one call; True when it should be made known at once (`await sync()`)."""
        self._calls += 1
        if healthy:
            return self.probing
        self._failures += 1
        return self.probing or self._failures >= self._policy.failures

    @property
    def stale(self) -> bool:
        """Whether the shared state was last read longer ago than the interval."""
        return time.monotonic() - self._synced_at >= SYNC_INTERVAL

    async def sync(self) -> None:
        """Add what was counted here and read the shared state."""
        calls, failures = self._calls, self._failures
        self._calls = self._failures = 0
        self._synced_at = time.monotonic()
        if self.probing and calls:
            self.probing = False
            probed = self._parameters | {"healthy": failures == 0, "worker": self._worker_id}
            await self._conn.execute(_PROBED, probed)
            calls = failures = 0
        counted = self._parameters | {"calls": calls, "failures": failures}
        row = await (await self._conn.execute(_SYNC, counted)).fetchone()
        self._state, self.probe_from = row if row else ("closed", None)
        if self.closed and failures:
            opened = await (await self._conn.execute(_OPEN, self._parameters)).fetchone()
            if opened is not None:
                self._state = "open"

    async def try_probe(self) -> bool:
        """Take the one probe of an open circuit whose cool-off is over."""
        probe = self._parameters | {"worker": self._worker_id}
        won = await (await self._conn.execute(_PROBE, probe)).fetchone()
        if won is None:
            return False  # a probe of ours may be under way: it stays ours
        self.probing = True
        self._state = "half_open"
        return True

    async def give_back(self) -> None:
        """Let somebody else have the probe: ours found nothing to ask."""
        if self.probing:
            self.probing = False
            self._state = "open"
            await self._conn.execute(_GIVE_BACK, self._parameters | {"worker": self._worker_id})
