"""Running approved plans from the command line, through Dagster's own jobs.

Belongs here: what sensors would have started. Does not: the jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from bulk_lookup_dagster.commands.frame import progress
from bulk_lookup_dagster.core.money import usd_from_micros
from bulk_lookup_dagster.storage.database import connect

if TYPE_CHECKING:
    from bulk_lookup_dagster.services.instance import Platform

_BATCHES = """
    SELECT b.partition_key FROM ledger.plans p
      JOIN intake.batches b ON p.scope -> 'upload_ids' @> to_jsonb(b.upload_id)
     WHERE p.state = 'approved' AND (p.expires_at IS NULL OR p.expires_at > now())
       AND (%(plan)s::bigint IS NULL OR p.plan_id = %(plan)s)
     GROUP BY b.batch_id ORDER BY b.batch_id
"""
_WAITING = """
    SELECT plan_id FROM ledger.plans
     WHERE state = 'waiting_approval' AND (estimate ->> 'due')::bigint > 0
       AND (%(plan)s::bigint IS NULL OR plan_id = %(plan)s) ORDER BY plan_id
"""
_LEFT = """
    SELECT plan_id, summary -> 'left_due' ->> 'cap_reached' FROM ledger.runs
     WHERE dagster_run_id = ANY (%s) AND summary -> 'left_due' ? 'cap_reached'
"""
_SPENT = """
    SELECT count(*), coalesce(sum(q.cost_micros), 0)::bigint
      FROM ledger.requests q JOIN ledger.runs r USING (run_id) WHERE r.dagster_run_id = ANY (%s)
"""


def run_plans(platform: Platform, plan_id: int | None, *, build: bool) -> dict[str, Any]:
    """Run every batch of the approved plans; says what failed and what waits for a person."""
    from bulk_lookup_dagster.definitions import build_defs
    from bulk_lookup_dagster.orchestration.vocabulary import ENRICH_JOB, UPLOAD_BATCHES
    from bulk_lookup_dagster.services.dagster_home import dagster_instance
    from bulk_lookup_dagster.services.marts import build_marts

    failed: list[str] = []
    run_ids: list[str] = []
    parameters = {"plan": plan_id}
    with connect(platform.dsn, autocommit=True, name="bulk-lookup cli run") as conn:
        keys = [row[0] for row in conn.execute(_BATCHES, parameters).fetchall()]
        if keys:
            defs = build_defs(platform.environment.name, overrides={"platform": platform})
            with dagster_instance(platform) as instance:
                instance.add_dynamic_partitions(str(UPLOAD_BATCHES.name), keys)
                job = defs.resolve_job_def(ENRICH_JOB)
                for key in keys:
                    progress(f"batch {key}")
                    done = job.execute_in_process(
                        instance=instance, partition_key=key, raise_on_error=False
                    )
                    run_ids.append(done.run_id)
                    if not done.success:
                        failed.append(key)
            if build:
                progress("marts")
                build_marts(platform)
        return _outcome(conn, keys, run_ids, failed, parameters)


def _outcome(
    conn: psycopg.Connection[Any],
    keys: list[str],
    run_ids: list[str],
    failed: list[str],
    parameters: dict[str, Any],
) -> dict[str, Any]:
    calls, cost = conn.execute(_SPENT, (run_ids,)).fetchall()[0]
    waiting = [
        f"plan {row[0]} for approval: bulk-lookup approve {row[0]}"
        for row in conn.execute(_WAITING, parameters).fetchall()
    ]
    waiting += [
        f"plan {plan} reached its cap with {count} questions left:"
        f" bulk-lookup approve {plan} --cap-usd X"
        for plan, count in conn.execute(_LEFT, (run_ids,)).fetchall()
    ]
    return {
        "batches": len(keys),
        "paid_calls": calls,
        "cost_usd": str(usd_from_micros(cost)),
        "failed": failed,
        "waiting": waiting,
    }
