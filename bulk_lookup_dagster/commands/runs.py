"""Running approved plans from the command line, through Dagster's own jobs.

Belongs here: what sensors would have started. Does not: the jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from bulk_lookup_dagster.commands.frame import progress
from bulk_lookup_dagster.core.money import format_usd, usd_from_micros
from bulk_lookup_dagster.storage.database import connect

if TYPE_CHECKING:
    from bulk_lookup_dagster.services.instance import Platform

CAP_REACHED, PAUSED = "cap_reached", "paused"
_BATCHES = """
    SELECT b.partition_key FROM ledger.plans p
      JOIN intake.batches b ON p.scope -> 'upload_ids' @> to_jsonb(b.upload_id)
     WHERE p.state = 'approved' AND (p.expires_at IS NULL OR p.expires_at > now())
       AND (%(plan)s::bigint IS NULL OR p.plan_id = %(plan)s)
     GROUP BY b.batch_id ORDER BY b.batch_id
"""
_REQUESTS = """
    SELECT DISTINCT r.partition_key FROM ledger.plans p
      JOIN enrichment.zipcode_requests r ON p.scope -> 'subject_ids' @> to_jsonb(r.subject_id)
     WHERE p.kind = 'discovery' AND p.state = 'approved'
       AND (p.expires_at IS NULL OR p.expires_at > now())
       AND (%(plan)s::bigint IS NULL OR p.plan_id = %(plan)s)
     ORDER BY r.partition_key
"""
_WAITING = """
    SELECT plan_id FROM ledger.plans
     WHERE state = 'waiting_approval' AND (estimate ->> 'due')::bigint > 0
       AND (%(plan)s::bigint IS NULL OR plan_id = %(plan)s) ORDER BY plan_id
"""
_PAUSED = """
    SELECT provider, reason FROM ops.provider_states
     WHERE state = 'paused'
       AND provider IN (SELECT jsonb_object_keys(summary -> 'stopped') FROM ledger.runs
                         WHERE dagster_run_id = ANY (%s))
     ORDER BY provider
"""
_LEFT = """
    SELECT plan_id, reason, sum(claims::bigint)::bigint
      FROM ledger.runs, jsonb_each_text(summary -> 'left_due') AS l (reason, claims)
     WHERE dagster_run_id = ANY (%s) GROUP BY plan_id, reason ORDER BY plan_id, reason
"""
_SPENT = """
    SELECT count(*), coalesce(sum(q.cost_micros), 0)::bigint
      FROM ledger.requests q JOIN ledger.runs r USING (run_id) WHERE r.dagster_run_id = ANY (%s)
"""


def run_plans(platform: Platform, plan_id: int | None, *, build: bool) -> dict[str, Any]:
    """Run every batch and request of the approved plans; says what failed and what waits for a
    person."""
    from bulk_lookup_dagster.services.marts import build_marts
    from bulk_lookup_dagster.services.simulation import with_sandbox

    parameters = {"plan": plan_id}
    with connect(platform.dsn, autocommit=True, name="bulk-lookup cli run") as conn:
        keys = [row[0] for row in conn.execute(_BATCHES, parameters).fetchall()]
        requests = [row[0] for row in conn.execute(_REQUESTS, parameters).fetchall()]
        with with_sandbox(platform) as asked:
            runs = _run_partitions(asked, keys, requests) if keys or requests else {}
        if build and runs:
            progress("marts")
            build_marts(platform)
        return {"zipcodes": len(requests), **_outcome(conn, runs, parameters, len(keys))}


def _run_partitions(
    platform: Platform, batches: list[str], requests: list[str]
) -> dict[str, tuple[str, bool]]:
    """Per partition: its Dagster run, and whether that succeeded."""
    from bulk_lookup_dagster.definitions import build_defs
    from bulk_lookup_dagster.orchestration.vocabulary import (
        DISCOVERY_JOB,
        ENRICH_JOB,
        UPLOAD_BATCHES,
        ZIPCODE_REQUESTS,
    )
    from bulk_lookup_dagster.services.dagster_home import dagster_instance, run_job
    from bulk_lookup_dagster.services.simulation import dagster_resources

    environment = platform.environment
    defs = build_defs(environment.name, overrides=dagster_resources(platform))
    runs = {}
    work = (
        (ENRICH_JOB, UPLOAD_BATCHES, "batch", batches),
        (DISCOVERY_JOB, ZIPCODE_REQUESTS, "request", requests),
    )
    with dagster_instance(platform) as instance:
        for job, partitions, what, keys in work:
            instance.add_dynamic_partitions(str(partitions.name), keys)
            for key in keys:
                progress(f"{what} {key}")
                done = run_job(defs, instance, job, partition_key=key)
                runs[key] = (done.run_id, done.success)
    return runs


def _outcome(
    conn: psycopg.Connection[Any],
    runs: dict[str, tuple[str, bool]],
    parameters: dict[str, Any],
    batches: int,
) -> dict[str, Any]:
    run_ids = [run_id for run_id, _ in runs.values()]
    calls, cost = conn.execute(_SPENT, (run_ids,)).fetchall()[0]
    waiting = [
        f"plan {row[0]} for approval: bulk-lookup approve {row[0]}"
        for row in conn.execute(_WAITING, parameters).fetchall()
    ]
    left = conn.execute(_LEFT, (run_ids,)).fetchall()
    waiting += [
        f"plan {plan} reached its cap with {count} questions left:"
        f" bulk-lookup approve {plan} --cap-usd X"
        for plan, reason, count in left
        if reason == CAP_REACHED
    ]
    if any(reason == PAUSED for _, reason, _ in left):
        waiting += [
            f"{provider} is paused ({reason}): bulk-lookup resume {provider}"
            for provider, reason in conn.execute(_PAUSED, (run_ids,)).fetchall()
        ]
    return {
        "batches": batches,
        "paid_calls": calls,
        "cost_usd": str(usd_from_micros(cost)),
        "cost": format_usd(cost),
        "failed": [key for key, (_, good) in runs.items() if not good],
        "left_due": [
            {"plan_id": plan, "reason": reason, "questions": count}
            for plan, reason, count in left
            if reason not in (CAP_REACHED, PAUSED)
        ],
        "waiting": waiting,
    }
