"""New files in the inbox: noticed once their size stands still, then taken in by a run.

Put here: looking at the inbox. Do not put here: reading files.
"""

import json

import dagster as dg
import fsspec

from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.orchestration.vocabulary import INTAKE_JOB
from bulk_lookup_dagster.services.instance import Platform

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
CURSOR_VERSION = 1
_MAX_REQUESTS = 20


@dg.sensor(
    name="uploads_sensor",
    job_name=INTAKE_JOB,
    minimum_interval_seconds=Settings().schedules.upload_sensor_s,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests intake_upload for every file of the inbox that is written completely.",
)
def uploads_sensor(
    context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
) -> dg.SensorResult | dg.SkipReason:
    """A file whose size and time are the same as at the last look is complete."""
    files, root = fsspec.core.url_to_fs(platform.environment.files_url)
    inbox = f"{root.rstrip('/')}/inbox"
    files.makedirs(inbox, exist_ok=True)
    seen = read_cursor(context.cursor)
    found = {
        entry["name"]: f"{entry['size']}:{entry.get('mtime') or entry.get('LastModified')}"
        for entry in files.ls(inbox, detail=True, refresh=True)
        if entry["type"] == "file" and wanted(entry["name"])
    }
    requests = [
        dg.RunRequest(
            run_key=f"{name}:{state}",
            run_config={"ops": {"intake": {"config": {"uri": files.unstrip_protocol(name)}}}},
        )
        for name, state in sorted(found.items())
        if seen.get(name) == state
    ]
    still = {name for name, state in found.items() if seen.get(name) != state}
    context.update_cursor(json.dumps({"version": CURSOR_VERSION, "seen": found}))
    if not requests:
        return dg.SkipReason(
            f"{len(found)} files in the inbox, {len(still)} of them new or still being written."
        )
    return dg.SensorResult(run_requests=requests[:_MAX_REQUESTS])


def wanted(path: str) -> bool:
    """Whether a file of the inbox is meant to be taken in: not hidden, not half-written."""
    name = path.rsplit("/", 1)[-1]
    return not name.startswith((".", "~")) and name.lower().endswith(SUFFIXES)


def read_cursor(cursor: str | None) -> dict[str, str]:
    """What was seen at the last look; nothing, where another version wrote the cursor."""
    document = json.loads(cursor) if cursor else {}
    return dict(document["seen"]) if document.get("version") == CURSOR_VERSION else {}
