"""Approved plans with batches to enrich: a run per batch, at most three attempts.

Put here: looking at plans. Do not put here: approving (`services.approvals`).
"""

import dagster as dg

from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.orchestration.vocabulary import ENRICH_JOB, UPLOAD_BATCHES
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage.database import connect

MAX_ATTEMPTS = 3
_LIMIT = 50
_WAITING = """
    SELECT p.plan_id, b.partition_key, count(r.run_id) AS attempts
      FROM ledger.plans p
      JOIN intake.batches b ON p.scope -> 'upload_ids' @> to_jsonb(b.upload_id)
      LEFT JOIN ledger.runs r ON r.plan_id = p.plan_id AND r.batch_id = b.batch_id
     WHERE p.state = 'approved' AND p.kind IN ('upload', 'refresh')
       AND (p.expires_at IS NULL OR p.expires_at > now())
     GROUP BY p.plan_id, b.batch_id
    HAVING count(r.run_id) < %s
       AND (b.state <> 'published' OR count(r.run_id) = 0)
       AND count(r.run_id) = count(r.finished_at)
     ORDER BY p.plan_id, b.batch_id LIMIT %s
"""
_LIVE = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
)


@dg.sensor(
    name="approvals_sensor",
    job_name=ENRICH_JOB,
    minimum_interval_seconds=Settings().schedules.approvals_sensor_s,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests enrich_batch for every batch of an approved plan.",
)
def approvals_sensor(
    context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
) -> dg.SensorResult | dg.SkipReason:
    """A batch is run while its plan is approved, it is unpublished and no run of it lives."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup approvals sensor") as conn:
        rows = conn.execute(_WAITING, (MAX_ATTEMPTS, _LIMIT)).fetchall()
    filters = dg.RunsFilter(job_name=ENRICH_JOB, statuses=list(_LIVE))
    live = {run.tags.get("dagster/partition") for run in context.instance.get_runs(filters)}
    waiting = [row for row in rows if row[1] not in live]
    if not waiting:
        return dg.SkipReason("No approved plan has a batch to enrich.")
    # A batch loaded by the command line is no partition of this Dagster yet.
    known = set(context.instance.get_dynamic_partitions(str(UPLOAD_BATCHES.name)))
    new = sorted({key for _, key, _ in waiting} - known)
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(run_key=f"{plan_id}:{key}:{attempts}", partition_key=key)
            for plan_id, key, attempts in waiting
        ],
        dynamic_partitions_requests=[UPLOAD_BATCHES.build_add_request(new)] if new else [],
    )
