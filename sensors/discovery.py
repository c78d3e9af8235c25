"""Approved plans of discovery: a run per request for a ZIP code.

Put here: looking at plans. Do not put here: asking (`services.discovery`).
"""

import dagster as dg

from bulk_lookup_dagster.orchestration.vocabulary import DISCOVERY_JOB, ZIPCODE_REQUESTS
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage.database import connect

MAX_REQUESTS = 50
# What was asked and stayed due is the nightly run's.
_WAITING = """
    SELECT p.plan_id, r.partition_key
      FROM ledger.plans p
      JOIN enrichment.zipcode_requests r ON p.scope -> 'subject_ids' @> to_jsonb(r.subject_id)
     WHERE p.state = 'approved' AND p.kind = 'discovery'
       AND (p.expires_at IS NULL OR p.expires_at > now())
       AND NOT EXISTS (SELECT FROM ledger.claims c
                        WHERE c.subject_id = r.subject_id AND c.plan_id = p.plan_id)
     ORDER BY p.plan_id, r.subject_id LIMIT %s
"""


def discovery_sensor(every_s: int) -> dg.SensorDefinition:
    """The sensor, looking at most so often."""
    return dg.sensor(
        name="discovery_sensor",
        job_name=DISCOVERY_JOB,
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests discover_businesses for every request of an approved plan.",
    )(_look)


def _look(
    context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
) -> dg.SensorResult | dg.SkipReason:
    """A request is run once under a plan."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup discovery sensor") as conn:
        rows = conn.execute(_WAITING, (MAX_REQUESTS,)).fetchall()
    if not rows:
        return dg.SkipReason("No approved plan has a ZIP code that was not asked about.")
    known = set(context.instance.get_dynamic_partitions(str(ZIPCODE_REQUESTS.name)))
    new = sorted({key for _, key in rows} - known)
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(run_key=f"{plan_id}:{key}", partition_key=key) for plan_id, key in rows
        ],
        dynamic_partitions_requests=[ZIPCODE_REQUESTS.build_add_request(new)] if new else [],
    )
