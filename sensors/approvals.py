"""Approved plans with batches to enrich: a run per batch, at most three attempts.

Put here: looking at plans. Do not put here: approving (`services.approvals`).
"""

from collections import Counter

import dagster as dg

from bulk_lookup_dagster.engine.worker import LIVE_WORKERS
from bulk_lookup_dagster.orchestration.executors import batch_execution
from bulk_lookup_dagster.orchestration.vocabulary import ENRICH_JOB, UPLOAD_BATCHES
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage.database import connect

MAX_ATTEMPTS = 3
MAX_REQUESTS = 50
PLAN_TAG = "bulk_lookup/plan"
_MAX_ROWS = 10_000
# A run has several steps, each an engine run of its own.
ATTEMPTS = "count(DISTINCT coalesce(r.dagster_run_id, r.run_id::text))"
# An unfinished run of ours counts as alive while Dagster says so, or while a live process outside
# Dagster holds claims for it: one that was killed never says that it ended.
_WAITING = f"""
    SELECT p.plan_id, b.partition_key, {ATTEMPTS} AS attempts, b.row_count
      FROM ledger.plans p
      JOIN intake.batches b ON p.scope -> 'upload_ids' @> to_jsonb(b.upload_id)
      LEFT JOIN ledger.runs r ON r.plan_id = p.plan_id AND r.batch_id = b.batch_id
     WHERE p.state = 'approved' AND p.kind IN ('upload', 'refresh')
       AND (p.expires_at IS NULL OR p.expires_at > now())
     GROUP BY p.plan_id, b.batch_id
    HAVING {ATTEMPTS} < %s
       AND (b.state <> 'published' OR count(r.run_id) = 0)
       AND NOT bool_or(r.finished_at IS NULL AND r.dagster_run_id IS NULL AND EXISTS (
           SELECT FROM ledger.claims c WHERE c.run_id = r.run_id AND c.state = 'claimed'
              AND c.worker_id IN ({LIVE_WORKERS})))
     ORDER BY p.plan_id, b.batch_id LIMIT %s
"""
_LIVE = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def approvals_sensor(every_s: int) -> dg.SensorDefinition:
    """The sensor, looking at most so often."""
    return dg.sensor(
        name="approvals_sensor",
        job_name=ENRICH_JOB,
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests enrich_batch for every batch of an approved plan.",
    )(_look)


def _look(
    context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
) -> dg.SensorResult | dg.SkipReason:
    """A batch is run while its plan is approved, it is unpublished and no run of it lives."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup approvals sensor") as conn:
        rows = conn.execute(_WAITING.encode(), (MAX_ATTEMPTS, _MAX_ROWS)).fetchall()
    filters = dg.RunsFilter(job_name=ENRICH_JOB, statuses=list(_LIVE))
    live = {run.tags.get("dagster/partition") for run in context.instance.get_runs(filters)}
    # A run that failed before it asked anybody is known to Dagster only; it is an attempt too.
    runs = _requested(context.instance, sorted({str(row[0]) for row in rows}))
    waiting = [
        (plan_id, key, f"{plan_id}:{key}:{attempts}:{runs[str(plan_id), key]}", size)
        for plan_id, key, attempts, size in rows
        if key not in live and runs[str(plan_id), key] < MAX_ATTEMPTS
    ][:MAX_REQUESTS]
    if not waiting:
        return dg.SkipReason("No approved plan has a batch to enrich.")
    # A batch loaded by the command line is no partition of this Dagster yet.
    known = set(context.instance.get_dynamic_partitions(str(UPLOAD_BATCHES.name)))
    new = sorted({one[1] for one in waiting} - known)
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=run_key,
                partition_key=key,
                tags={PLAN_TAG: str(plan_id)},
                run_config=batch_execution(size),
            )
            for plan_id, key, run_key, size in waiting
        ],
        dynamic_partitions_requests=[UPLOAD_BATCHES.build_add_request(new)] if new else [],
    )


def _requested(instance: dg.DagsterInstance, plans: list[str]) -> Counter[tuple[str, str]]:
    """How many runs there were, by plan and partition."""
    filters = dg.RunsFilter(job_name=ENRICH_JOB, tags={PLAN_TAG: plans})
    found = instance.get_runs(filters) if plans else ()
    return Counter((run.tags[PLAN_TAG], run.tags.get("dagster/partition", "")) for run in found)
