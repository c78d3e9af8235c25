"""Exports by schedule: saved filters over all uploads, written where others pick them up.

Put here: how these files look in the graph. Do not put here: writing them
(`services.scheduled_exports`), when (`schedules`).
"""

from typing import Any

import dagster as dg

from bulk_lookup_dagster.core.errors import BulkLookupError
from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import EXPORTS, OWNERS
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.scheduled_exports import Written, write_scheduled
from bulk_lookup_dagster.storage.database import connect


@dg.asset(
    group_name=EXPORTS,
    owners=OWNERS,
    kinds={"python", "postgres", "file"},
    deps=["contacts", "phone_lookups", "subjects", "upload_contacts"],
    code_version="1",
)
def exports(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[None]:
    """One file that left the platform: who asked for it, what was chosen, how many rows.

    Written from every saved filter named in `exports.scheduled`, over all uploads, complete or not
    at all; files past `exports.retention_days` are removed. Free; as fresh as its schedule.
    """
    with explained(), connect(platform.dsn, autocommit=True, name="bulk-lookup exports") as conn:
        written = write_scheduled(conn, platform)
        if written.failed:  # what was written is shown all the same
            context.log_event(dg.AssetObservation("exports", metadata=export_metadata(written)))
            raise _failure(written)
    return dg.MaterializeResult(metadata=export_metadata(written))


def export_metadata(written: Written) -> dict[str, Any]:
    """Rows and bytes, together and by filter; nothing of what is in the files."""
    done = written.exports
    return {
        "dagster/row_count": sum(one.row_count for one in done.values()),
        "bytes": sum(one.size_bytes for one in done.values()),
        "files": len(done),
        "rows by filter": {name: one.row_count for name, one in done.items()},
        "bytes by filter": {name: one.size_bytes for name, one in done.items()},
        "files past their time removed": written.removed,
    }


def _failure(written: Written) -> BulkLookupError:
    first = next(iter(written.failed.values()))
    names = ", ".join(written.failed)
    return type(first)(f"Not exported: {names}. {first.message}", fix=first.fix, code=first.code)


ASSETS = (exports,)
