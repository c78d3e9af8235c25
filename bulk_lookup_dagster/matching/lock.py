"""One matching run, build or decision at a time (F11).

Belongs here: the lock. Does not: what is done under it. Imported by the web app, hence without
DuckDB.
"""

from __future__ import annotations

from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import StorageError

Connection = psycopg.Connection[Any]
_LOCK = 7321


def lock(conn: Connection) -> None:
    """Wait for whoever matches now; held until the transaction ends."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def lock_for_person(conn: Connection, patience_s: int = 5) -> None:
    """The same for somebody who waits at a screen: give up after a few seconds."""
    conn.execute(f"SET LOCAL lock_timeout = '{patience_s:d}s'")
    try:
        lock(conn)
    except psycopg.errors.LockNotAvailable as error:
        raise StorageError(
            "A matching run is under way, and decisions wait for its end.",
            fix="Try again in a minute.",
            code="matching_busy",
        ) from error
    conn.execute("SET LOCAL lock_timeout = 0")
