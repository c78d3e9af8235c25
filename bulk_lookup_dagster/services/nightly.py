"""The nightly run: what is due under approved plans, and what refresh policies want again.

Ids of businesses that are a year old come last: they are free and wait for nobody's approval.

Belongs here: going through the plans. Does not: one plan's run (see `services.runs`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg

from bulk_lookup_dagster.services.approvals import approve_automatically
from bulk_lookup_dagster.services.business_ids import Refreshed, refresh_ids
from bulk_lookup_dagster.services.found_businesses import keep_businesses
from bulk_lookup_dagster.services.golden import build_contacts, score_contacts
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import plan_uploads, refresh_after
from bulk_lookup_dagster.services.providers import ClientFactories
from bulk_lookup_dagster.services.publishing import finish_plan, publish_batch, start_batch
from bulk_lookup_dagster.services.runs import due_in_plan, run_plan_async
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.step_runs import RunReports
from bulk_lookup_dagster.services.steps import BATCH_STEPS
from bulk_lookup_dagster.services.steps.selection import scope_of_plan
from bulk_lookup_dagster.storage.database import connect

Connection = psycopg.Connection[Any]

_PLANS = """
    SELECT plan_id, scope FROM ledger.plans
     WHERE state = 'approved' AND (expires_at IS NULL OR expires_at > now()) AND kind <> 'bench'
     ORDER BY plan_id
"""
_LOADED = "SELECT upload_id FROM intake.uploads WHERE state = 'loaded' ORDER BY upload_id"
_TOUCHED = """
    WITH asked AS (
        SELECT DISTINCT r.step, c.subject_id
          FROM ledger.claims c JOIN ledger.runs r USING (run_id) WHERE r.run_id = ANY (%s)
    ), led AS (
        SELECT a.step, k.contact_id
          FROM asked a JOIN intake.contacts k ON k.phone_subject_id = a.subject_id
         UNION
        SELECT a.step, l.contact_id
          FROM asked a JOIN intake.contact_subjects l ON l.subject_id = a.subject_id
    )
    SELECT b.batch_id, b.partition_key, b.state = 'published', array_agg(DISTINCT led.step)
      FROM led JOIN intake.upload_contacts r USING (contact_id)
      JOIN intake.batches b ON b.batch_id = r.batch_id
     GROUP BY b.batch_id ORDER BY b.batch_id
"""


@dataclass(slots=True)
class Nightly:
    """What the run did: reports per plan; batches asked about, by step; what was published."""

    reports: dict[int, RunReports] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)
    refreshed: Refreshed = field(default_factory=Refreshed)

    @property
    def calls(self) -> int:
        """Requests sent to vendors."""
        asked = sum(report.requests for report in self.reports.values())
        return asked + self.refreshed.report.requests


async def run_nightly(
    platform: Platform,
    *,
    dagster_run_id: str | None = None,
    clients: ClientFactories | None = None,
) -> Nightly:
    """Run every approved plan that has work due; show the new answers of published batches."""
    outcome = Nightly()
    with connect(platform.dsn, autocommit=True, name="bulk-lookup nightly") as conn:
        _plan_refresh_policy(conn, platform)
        plans = [(row[0], row[1]) for row in conn.execute(_PLANS).fetchall()]
        for plan_id, document in plans:
            if due_in_plan(conn, plan_id, platform.secret_key):
                scope = scope_of_plan(document)
                report = await run_plan_async(
                    platform, plan_id, scope, dagster_run_id=dagster_run_id, clients=clients
                )
                outcome.reports[plan_id] = report
                _publish(conn, report.run_ids, outcome)
                keep_businesses(conn, document.get("subject_ids", []))
            finish_plan(conn, plan_id, platform.secret_key)
    outcome.refreshed = await refresh_ids(platform, clients=clients, dagster_run_id=dagster_run_id)
    return outcome


def _plan_refresh_policy(conn: Connection, platform: Platform) -> None:
    """A refresh policy buys inside a plan like anybody: approved by policy or by a person."""
    settings = load_settings(conn)
    uploads = [row[0] for row in conn.execute(_LOADED).fetchall()]
    steps = [name for name in BATCH_STEPS if refresh_after(settings, name)]
    if not steps or not uploads:
        return
    with conn.transaction():
        plan = plan_uploads(conn, uploads, settings, platform, kind="nightly", steps=steps)
        if not plan.due:
            conn.execute(
                "UPDATE ledger.plans SET state = 'cancelled'"
                " WHERE plan_id = %s AND state = 'waiting_approval'",
                (plan.plan_id,),
            )
            return
    approve_automatically(conn, plan, platform.environment, settings)


def _publish(conn: Connection, run_ids: list[int], outcome: Nightly) -> None:
    """Show the new answers of batches that passed their checks before; others wait for theirs."""
    touched = conn.execute(_TOUCHED, (run_ids,)).fetchall()
    build_contacts(conn, *(row[0] for row in touched))
    score_contacts(conn)
    for batch_id, key, published, steps in touched:
        for step in steps:
            outcome.asked.setdefault(step, []).append(key)
        if published:
            start_batch(conn, batch_id)
            publish_batch(conn, batch_id)
            outcome.published.append(key)
