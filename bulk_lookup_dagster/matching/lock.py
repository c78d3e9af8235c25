"""One matching run, build or decision at a time (F11).

Belongs here: the lock. Does not: what is done under it. Imported by the web app, hence without
DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import StorageError

Connection = psycopg.Connection[Any]
_LOCK = 7321


@contextmanager
def alone(conn: Connection, patience_s: int | None = None) -> Iterator[None]:
    """A transaction in which nobody else matches or decides.

    The wait comes before it begins, so that its `now()` is later than all that others stored: a
    membership must not end before it began. Somebody who waits at a screen has some patience.
    """
    try:
        with conn.transaction():
            if patience_s is not None:
                conn.execute(f"SET LOCAL lock_timeout = '{patience_s:d}s'")
            conn.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # of the session, until released
    except psycopg.errors.LockNotAvailable as error:
        raise StorageError(
            "A matching run is under way, and decisions wait for its end.",
            fix="Try again in a minute.",
            code="matching_busy",
        ) from error
    with conn.transaction():
        lock(conn)
        conn.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
        yield


def lock(conn: Connection) -> None:
    """Wait for whoever matches now; held until the caller's transaction ends."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
