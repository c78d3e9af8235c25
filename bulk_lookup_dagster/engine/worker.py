"""A process that claims: registered, and alive as long as its session holds an advisory lock.

The lock sits on a dedicated direct connection: a pooled one would keep it after its owner died
or lose it while its owner lives.

Belongs here: registration and noticing its loss. Does not: what happens to a dead worker's claims
(see `engine.recovery`).
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress

import psycopg

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.engine.link import LOST
from bulk_lookup_dagster.storage.database import connect_async

LOCK_CLASS = 7302

LIVE_WORKERS = f"""
    SELECT l.objid::bigint AS worker_id FROM pg_locks l
      JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
     WHERE l.locktype = 'advisory' AND l.classid = {LOCK_CLASS} AND l.objsubid = 2 AND l.granted
"""  # a constant, not input


class Worker:
    """One registration. `lost` is set once the session is gone; claims then belong to nobody."""

    def __init__(self, conn: psycopg.AsyncConnection, worker_id: int) -> None:
        self.worker_id = worker_id
        self.lost = asyncio.Event()
        self._conn = conn
        self._loop = asyncio.get_running_loop()
        self._fd = conn.fileno()
        # An idle session has nothing to read until the server closes it.
        self._loop.add_reader(self._fd, self._readable)

    @classmethod
    async def register(cls, dsn: str) -> Worker:
        """Register this process and take its lock, on a connection of its own."""
        conn = await connect_async(dsn, autocommit=True, name="bulk-lookup worker")
        try:
            cursor = await conn.execute(
                "INSERT INTO ops.workers (host, pid) VALUES (%s, %s) RETURNING worker_id",
                (socket.gethostname()[:255], os.getpid()),
            )
            row = await cursor.fetchone()
            if row is None:
                raise StorageError("The worker could not be registered.")
            await conn.execute("SELECT pg_advisory_lock(%s, %s::int)", (LOCK_CLASS, row[0]))
        except BaseException:
            await conn.close()
            raise
        return cls(conn, row[0])

    def _readable(self) -> None:
        self._loop.remove_reader(self._fd)
        self.lost.set()

    async def close(self) -> None:
        """End the registration; a lost one is already ended."""
        self._loop.remove_reader(self._fd)
        if not self.lost.is_set():
            self.lost.set()
            # A session that died meanwhile has already ended the registration.
            with suppress(*LOST):
                await self._conn.execute(
                    "UPDATE ops.workers SET ended_at = clock_timestamp() WHERE worker_id = %s",
                    (self.worker_id,),
                )
        await self._conn.close()
