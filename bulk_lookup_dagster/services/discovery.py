"""Discovery: the businesses of ZIP codes, found under approved plans and compared with contacts.

Contacts are never made of what is found here: the vendors' terms forbid it (RULES). What stays are
ids, counts and which of our numbers an id belongs to.

Belongs here: running requests and telling what became of them. Does not: plans
(`services.discovery_plans`), which page follows which (`services.steps.zipcode_businesses`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bulk_lookup_dagster.core.errors import ApprovalNeeded, InputError
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.services.discovery_plans import KIND
from bulk_lookup_dagster.services.found_businesses import keep_businesses
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import ClientFactories
from bulk_lookup_dagster.services.publishing import finish_plan
from bulk_lookup_dagster.services.runs import due_in_plan, run_plan_async
from bulk_lookup_dagster.services.step_runs import RunReports, plan_scope
from bulk_lookup_dagster.services.steps.selection import scope_of_plan
from bulk_lookup_dagster.services.steps.zipcode_businesses import ZIPCODE_BUSINESSES
from bulk_lookup_dagster.storage.database import connect

Connection = psycopg.Connection[Any]

_ROWS = """
    SELECT zipcode, business_type, provider, state, found, new, matched, skipped, requests,
           cost_micros, duration_ms, error, retry_at
      FROM enrichment.zipcode_discovery WHERE subject_id = ANY (%s)
     ORDER BY zipcode, business_type, provider
"""
_REQUEST = "SELECT subject_id FROM enrichment.zipcode_requests WHERE partition_key = %s"
_PLAN_OF = """
    SELECT plan_id, state, scope FROM ledger.plans
     WHERE kind = 'discovery' AND scope -> 'subject_ids' @> to_jsonb(%s::bigint)
       AND (state = 'done' OR state = 'approved' AND (expires_at IS NULL OR expires_at > now()))
     ORDER BY state = 'done', plan_id DESC LIMIT 1
"""
_APPROVED = """
    SELECT plan_id FROM ledger.plans
     WHERE kind = 'discovery' AND state = 'approved' AND (expires_at IS NULL OR expires_at > now())
       AND (%(plan)s::bigint IS NULL OR plan_id = %(plan)s) ORDER BY plan_id
"""


def run_discovery(platform: Platform, plan_id: int) -> RunReport:
    """Ask what is due in an approved plan; ids are kept, the plan ends where nothing is left."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup discovery") as conn:
        document = plan_scope(conn, plan_id)
        scope = scope_of_plan(document)
        reports = asyncio.run(run_plan_async(platform, plan_id, scope, kind=KIND))
        keep_businesses(conn, document["subject_ids"])
        finish_plan(conn, plan_id, platform.secret_key)
    return _report(reports)


async def run_request(
    platform: Platform,
    partition_key: str,
    *,
    dagster_run_id: str | None = None,
    clients: ClientFactories | None = None,
) -> RunReport:
    """Ask what is due in one request under the approved plan that names it.

    A request whose plan is done has nothing due: its report is empty. Raises `ApprovalNeeded` where
    no plan was approved.
    """
    with connect(platform.dsn, autocommit=True, name="bulk-lookup discovery") as conn:
        subject_id = request_subject(conn, partition_key)
        plan = conn.execute(_PLAN_OF, (subject_id,)).fetchone()
        if plan is None or (plan[1] == "done" and due_in_plan(conn, plan[0], platform.secret_key)):
            raise ApprovalNeeded(
                f"No approved plan covers the request {partition_key}.",
                fix="Plan it: bulk-lookup discover; then: bulk-lookup approve PLAN.",
            )
        plan_id, state, document = plan
        if state == "done":
            return RunReport()
        reports = await run_plan_async(
            platform,
            plan_id,
            scope_of_plan({**document, "subject_ids": [subject_id]}),
            kind=KIND,
            dagster_run_id=dagster_run_id,
            clients=clients,
        )
        keep_businesses(conn, [subject_id])
        finish_plan(conn, plan_id, platform.secret_key)
    return _report(reports)


def request_subject(conn: Connection, partition_key: str) -> int:
    """The subject of a request, by its partition."""
    row = conn.execute(_REQUEST, (partition_key,)).fetchone()
    if row is None:
        raise InputError(
            f"There is no request {partition_key}.", fix="Make it: bulk-lookup discover ZIP."
        )
    return int(row[0])


def approved_plans(conn: Connection, plan_id: int | None = None) -> list[int]:
    """Approved plans of discovery, or the one that is named where it is one."""
    return [row[0] for row in conn.execute(_APPROVED, {"plan": plan_id}).fetchall()]


def outcomes(conn: Connection, subject_ids: Sequence[int]) -> list[Mapping[str, Any]]:
    """What became of requests: one row per request and provider, see `zipcode_discovery`."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(_ROWS, (list(subject_ids),)).fetchall())


def _report(reports: RunReports) -> RunReport:
    return reports.by_step.get(ZIPCODE_BUSINESSES.name, RunReport())
