"""New files in the inbox: noticed once their size stands still, then taken in by a run.

Put here: looking at the inbox. Do not put here: reading files.
"""

import json
from dataclasses import asdict, dataclass

import dagster as dg

from bulk_lookup_dagster.orchestration.vocabulary import INTAKE_JOB
from bulk_lookup_dagster.services.files import INBOX, open_files
from bulk_lookup_dagster.services.instance import Platform

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
CURSOR_VERSION = 3
_MAX_REQUESTS = 20


def uploads_sensor(every_s: int) -> dg.SensorDefinition:
    """The sensor, looking at most so often."""
    return dg.sensor(
        name="uploads_sensor",
        job_name=INTAKE_JOB,
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests intake_upload for every completely written file of the inbox.",
    )(_look)


def _look(
    context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
) -> dg.SensorResult | dg.SkipReason:
    """A file whose size and time (or hash) are the same as at the last look is complete.

    A folder or bucket that cannot be listed fails the tick, with what to do.
    """
    before = read_cursor(context.cursor)
    listed = open_files(platform.environment).listed(INBOX)
    found = {file.uri: file.stamp for file in listed if wanted(file.name)}
    complete = [name for name, state in sorted(found.items()) if before.seen.get(name) == state]
    asked = [name for name in complete if before.requested.get(name) != found[name]]
    asked = asked[:_MAX_REQUESTS]  # the rest at the next look
    requested = {name: state for name, state in before.requested.items() if name in found}
    requested |= {name: found[name] for name in asked}
    context.update_cursor(Cursor(found, requested).written())
    if not asked:
        return dg.SkipReason(
            f"{len(found)} files in the inbox, {len(found) - len(complete)} of them new or still"
            " being written."
        )
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=f"{name}:{found[name]}",
                run_config={"ops": {"intake": {"config": {"uri": name}}}},
            )
            for name in asked
        ]
    )


@dataclass(frozen=True, slots=True)
class Cursor:
    """Size and time of each file at the last look, and as it was when a run was requested."""

    seen: dict[str, str]
    requested: dict[str, str]

    def written(self) -> str:
        """As it is stored between ticks."""
        return json.dumps({"version": CURSOR_VERSION, **asdict(self)})


def wanted(name: str) -> bool:
    """Whether a file of the inbox is meant to be taken in: not hidden, not half-written."""
    return not name.startswith((".", "~")) and name.lower().endswith(SUFFIXES)


def read_cursor(cursor: str | None) -> Cursor:
    """What the last look left; nothing, where another version wrote it: run keys still hold."""
    document = json.loads(cursor) if cursor else {}
    if document.get("version") != CURSOR_VERSION:
        return Cursor({}, {})
    return Cursor(document["seen"], document["requested"])
