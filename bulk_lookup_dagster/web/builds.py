"""Whether the marts' last build came through its tests.

Belongs here: reading the record of builds. Does not: when figures were built (their own `as_of`),
what became of each model (`services.build_results`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

_MAY_READ = "SELECT has_schema_privilege('ops', 'USAGE')"
# The record of a build has no end while it runs, and none after it failed or built only a part;
# the lock tells the two apart (services.marts holds it for as long as it builds).
_LAST = """
    SELECT b.finished_at IS NOT NULL,
           EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                    WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = 7304
                      AND l.granted AND d.datname = current_database())
      FROM ops.mart_builds b ORDER BY b.build_id DESC LIMIT 1
"""
_FINISHED = "SELECT max(finished_at) FROM ops.mart_builds"

PASSED = "tests passed"
BUILDING = "being built now"
INCOMPLETE = "last build not complete"
UNKNOWN = "tests not known"


def read_tested(conn: psycopg.Connection[Any]) -> str:
    """What became of the last build, in a few words; not known to a reader of marts alone."""
    if conn.execute(_MAY_READ).fetchone() != (True,):
        return UNKNOWN
    last = conn.execute(_LAST).fetchone()
    if last is None:
        return UNKNOWN
    finished, running = last
    return PASSED if finished else BUILDING if running else INCOMPLETE


def read_finished(conn: psycopg.Connection[Any]) -> datetime | None:
    """When the last complete build ended; None before the first, and to a reader of marts alone."""
    if conn.execute(_MAY_READ).fetchone() != (True,):
        return None
    found = conn.execute(_FINISHED).fetchone()
    return found[0] if found else None
