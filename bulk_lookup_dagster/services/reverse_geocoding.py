"""Reverse geocoding: asking what is due in approved plans of points, and what became of each.

Google's text of an address may not be kept (RULES): it is handed to the caller of the run that paid
for it and nowhere else. What is kept is the place id, and for 29 days the address's own point; an
address of ours with the same place id is told every time, because it is ours.

Belongs here: running and reading. Does not: planning (`services.point_plans`), requests
(`resources.google_geocoding_client`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.engine.provider import Disabled
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.point_plans import KIND
from bulk_lookup_dagster.services.providers import (
    ClientFactories,
    ClientFactory,
    environment_clients,
)
from bulk_lookup_dagster.services.publishing import finish_plan
from bulk_lookup_dagster.services.runs import run_plan_async
from bulk_lookup_dagster.services.step_runs import plan_scope
from bulk_lookup_dagster.services.steps.reverse_geocodes import REVERSE_GEOCODES
from bulk_lookup_dagster.services.steps.selection import scope_of_plan
from bulk_lookup_dagster.storage.database import connect
from resources.google_geocoding_client import GoogleGeocodingClient
from resources.google_geocoding_records import PROVIDER, one_line
from resources.vendor import Client

Connection = psycopg.Connection[Any]
Texts = dict[int, str]
"""Addresses as Google writes them, by the subject of the point; lives in memory only."""

_ROWS = """
    SELECT subject_id, point, provider, state, latitude, longitude, accuracy, place_id, address,
           cost_micros, error, retry_at, fetched_at, expires_at
      FROM enrichment.points WHERE subject_id = ANY (%s)
     ORDER BY array_position(%s::bigint[], subject_id)
"""
_APPROVED = """
    SELECT plan_id FROM ledger.plans
     WHERE kind = 'points' AND state = 'approved' AND (expires_at IS NULL OR expires_at > now())
     ORDER BY plan_id
"""


def run_points(platform: Platform, plan_id: int) -> tuple[RunReport, Texts]:
    """Ask what is due in an approved plan; the plan ends where nothing is left."""
    texts: Texts = {}
    clients = dict(environment_clients(platform.environment))
    clients[PROVIDER] = _heard(clients[PROVIDER], texts)
    return asyncio.run(_run(platform, plan_id, clients, None)), texts


async def run_approved(
    platform: Platform, *, clients: ClientFactories, dagster_run_id: str
) -> list[RunReport]:
    """Ask what is due in every approved plan of points; addresses are told to nobody."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup points") as conn:
        plans = [row[0] for row in conn.execute(_APPROVED).fetchall()]
    return [await _run(platform, plan_id, clients, dagster_run_id) for plan_id in plans]


def outcomes(
    conn: Connection, subject_ids: Sequence[int], texts: Mapping[int, str]
) -> list[dict[str, Any]]:
    """What became of points, in this order. `address` is ours where `address_from` says so, else
    what Google wrote just now."""
    with conn.cursor(row_factory=dict_row) as cursor:
        ids = list(subject_ids)
        rows = cursor.execute(_ROWS, (ids, ids)).fetchall()
    return [_told(row, texts.get(row.pop("subject_id"), "")) for row in rows]


async def _run(
    platform: Platform, plan_id: int, clients: ClientFactories, dagster_run_id: str | None
) -> RunReport:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup points") as conn:
        scope = scope_of_plan(plan_scope(conn, plan_id))
        reports = await run_plan_async(
            platform, plan_id, scope, kind=KIND, dagster_run_id=dagster_run_id, clients=clients
        )
        finish_plan(conn, plan_id, platform.secret_key)
    return reports.by_step.get(REVERSE_GEOCODES.name, RunReport())


def _heard(factory: ClientFactory, texts: Texts) -> ClientFactory:
    """The same client, which tells the text of addresses while an answer is there."""

    def make(settings: Any) -> Client | Disabled:
        client = factory(settings)
        if isinstance(client, GoogleGeocodingClient):
            client.tell(texts.__setitem__)
        return client

    return make


def _told(row: dict[str, Any], text: str) -> dict[str, Any]:
    ours = row["address"]
    if ours:
        return {**row, "address": one_line(ours), "address_from": "ours"}
    return {**row, "address": text or None, "address_from": "google, not kept" if text else None}


__all__ = ["Texts", "outcomes", "run_approved", "run_points"]
