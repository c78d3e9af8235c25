"""Connections of the web app: few, short, read-only unless a page says otherwise.

Belongs here: how a request gets a connection. Does not: statements.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.storage.database import connect

_AT_ONCE = 8
_WAIT_SECONDS = 10
_STATEMENT_SECONDS = 15


class Database:
    """Hands out at most a few connections at once; waits briefly for a free one."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._free = BoundedSemaphore(_AT_ONCE)

    @contextmanager
    def writing(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection for a use case that writes: committed at the end, rolled back on error."""
        with self._slot(), connect(self._dsn, name="bulk-lookup web") as conn:
            conn.execute(f"SET statement_timeout = '{_STATEMENT_SECONDS}s'")
            conn.commit()
            yield conn

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """One consistent look at the data that cannot change any of it."""
        with self.writing() as conn:
            conn.read_only = True
            conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield conn

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._free.acquire(timeout=_WAIT_SECONDS):
            raise StorageError(
                "Too many pages want the database at once.", fix="Try again.", code="busy"
            )
        try:
            yield
        finally:
            self._free.release()
