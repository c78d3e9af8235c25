"""Reasons to build the marts: collected for a moment, then one build for all of them.

Put here: looking at `ops.mart_dirty`. Do not put here: building.
"""

import dagster as dg

from bulk_lookup_dagster.orchestration.vocabulary import MARTS_JOB
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage.database import connect

QUIET_SECONDS = 10
LONGEST_WAIT_SECONDS = 120
_DIRTY = """
    SELECT max(dirty_id), count(*), extract(epoch FROM now() - max(marked_at)),
           extract(epoch FROM now() - min(marked_at)), date_trunc('hour', now())
      FROM ops.mart_dirty WHERE built_at IS NULL
"""


def marts_sensor(every_s: int) -> dg.SensorDefinition:
    """The sensor, looking at most so often."""
    return dg.sensor(
        name="marts_sensor",
        job_name=MARTS_JOB,
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests build_marts once published batches have been quiet for a moment.",
    )(_look)


def _look(
    context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
) -> dg.SensorResult | dg.SkipReason:
    """One build covers every reason so far; a build that failed is asked for again each hour."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup marts sensor") as conn:
        newest, count, quiet, waiting, hour = conn.execute(_DIRTY).fetchall()[0]
    if not count:
        return dg.SkipReason("Nothing was published since the last build.")
    if quiet < QUIET_SECONDS and waiting < LONGEST_WAIT_SECONDS:
        return dg.SkipReason(f"{count} reasons to build, the latest {quiet:.0f} s old.")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"{newest}:{hour:%Y%m%d%H}")])
