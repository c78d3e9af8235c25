"""What keeps both databases and the files folder small and quick, day after day.

Belongs here: purging what is past its time, Dagster's old runs, VACUUM. Does not: the ledger's own
housekeeping (`services.maintenance`), deleting uploads (`services.deletion`).
"""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from bulk_lookup_dagster.orchestration.vocabulary import ENRICH_JOB
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage.database import connect

if TYPE_CHECKING:
    import dagster as dg

_PART_AGE = timedelta(days=1)
_PURGE = "DELETE FROM ledger.bodies WHERE expires_at < now()"
# Managed servers keep some schemas of their own; what is ours is what our role owns.
_OURS = """
    SELECT schemaname, tablename FROM pg_tables
     WHERE tableowner = current_user AND schemaname <> 'public' ORDER BY 1, 2
"""


def purge(conn: psycopg.Connection[Any]) -> int:
    """Remove stored answers whose time is over; says how many. Values: `services.retention`."""
    return conn.execute(_PURGE).rowcount


def vacuum(platform: Platform) -> int:
    """VACUUM and ANALYZE every table we own, one after the other; says how many."""
    with connect(platform.migration_dsn, autocommit=True, name="bulk-lookup vacuum") as conn:
        tables = conn.execute(_OURS).fetchall()
        for schema, table in tables:
            statement = sql.SQL("VACUUM (ANALYZE, SKIP_LOCKED) {}")
            conn.execute(statement.format(sql.Identifier(schema, table)))
    return len(tables)


def forget_runs(instance: dg.DagsterInstance, days: int, *, at_most: int = 500) -> int:
    """Delete Dagster's finished runs that are older, with their events; says how many.

    Runs that enriched a batch stay: their events are what says that a partition is materialised.
    """
    import dagster as dg

    over = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    before = datetime.now(UTC) - timedelta(days=days)
    found = instance.get_runs(dg.RunsFilter(statuses=over, created_before=before), limit=at_most)
    gone = [
        run
        for run in found
        if run.job_name != ENRICH_JOB or run.status is not dg.DagsterRunStatus.SUCCESS
    ]
    for run in gone:
        instance.delete_run(run.run_id)
    return len(gone)


def remove_parts(files: Path) -> int:
    """Remove half-written files and copies that their writer, dead since, could not; how many."""
    before = time.time() - _PART_AGE.total_seconds()
    old = [path for path in files.rglob(".*.part") if path.lstat().st_mtime < before]
    for path in old:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(old)
