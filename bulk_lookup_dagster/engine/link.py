"""A database session that can be opened again after the server went away.

Belongs here: reconnecting with back-off. Does not: what the session is used for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import psycopg

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.storage.database import connect_async

RECONNECT_SECONDS = 300.0

LOST = (psycopg.OperationalError, psycopg.InterfaceError)


class Link:
    """One session; `conn` is the present connection.

    `durable=False` lets commits return before they reach the disk: for state that a crash may
    put back by a moment (limits, circuits), never for the ledger.
    """

    def __init__(
        self,
        dsn: str,
        name: str,
        *,
        autocommit: bool,
        durable: bool = True,
        setup: Callable[[psycopg.AsyncConnection], Awaitable[None]] | None = None,
    ) -> None:
        self._dsn = dsn
        self._name = name
        self._autocommit = autocommit
        self._durable = durable
        self._setup = setup
        self._conn: psycopg.AsyncConnection | None = None

    @property
    def conn(self) -> psycopg.AsyncConnection:
        """The open connection."""
        if self._conn is None:
            raise StorageError(f"The session {self._name} is not open.")
        return self._conn

    async def open(self) -> None:
        """Connect and prepare the session."""
        conn = await connect_async(
            self._dsn, autocommit=self._autocommit, name=f"bulk-lookup {self._name}"
        )
        try:
            if not self._durable:
                await conn.execute("SET synchronous_commit = off")
            if self._setup is not None:
                await self._setup(conn)
        except BaseException:
            await conn.close()
            raise
        self._conn = conn

    async def reopen(self) -> None:
        """Connect again, waiting for the server for up to `RECONNECT_SECONDS`."""
        await self.close()
        give_up = time.monotonic() + RECONNECT_SECONDS
        pause = 0.1
        while True:
            try:
                await self.open()
            except (StorageError, *LOST) as error:
                if time.monotonic() > give_up:
                    raise StorageError(
                        f"PostgreSQL did not come back within {RECONNECT_SECONDS:.0f} s.",
                        fix="Start it and run again: what was received is in the spool.",
                    ) from error
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)
            else:
                return

    async def close(self) -> None:
        """Close the session, if open."""
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.close()
