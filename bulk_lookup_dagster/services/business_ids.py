"""Ids of businesses kept current: Google wants place ids older than a year asked for again.

Free of charge, and still claimed, limited and recorded. An id is confirmed, replaced by a new one
(the old one stays in `business_id_changes`), or gone: then it is kept, marked, and never asked for
again. What a run that died had learnt is taken over by the next.

Belongs here: which ids are due, and what their answers mean. Does not: the request
(`resources.google_places_client`), finding ids (`services.found_businesses`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, LiteralString

import psycopg

from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import ClientFactories
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps.business_ids import BUSINESS_IDS
from bulk_lookup_dagster.services.subject_runs import run_subjects_free
from bulk_lookup_dagster.storage.database import connect
from resources.google_places_records import PROVIDER

Connection = psycopg.Connection[Any]

_DUE = """
    SELECT business_id FROM enrichment.zipcode_business_ids
     WHERE provider = %s AND gone_at IS NULL
     GROUP BY business_id HAVING max(checked_at) < now() - %s ORDER BY business_id
"""
# Answers that are newer than what is known of their ids.
_TOLD = """
    CREATE TEMP TABLE told ON COMMIT DROP AS
    SELECT r.claim_id, s.value AS old_id, r.current_id, r.fetched_at
      FROM enrichment.business_ids r JOIN intake.subjects s USING (subject_id)
     WHERE r.provider = %(provider)s AND s.kind = 'business' AND r.outcome IN ('data', 'no_data')
       AND EXISTS (SELECT FROM enrichment.zipcode_business_ids k
                    WHERE k.provider = r.provider AND k.business_id = s.value
                      AND k.checked_at < r.fetched_at)
"""
_MINE = """k.provider = %(provider)s AND k.business_id = t.old_id AND k.checked_at < t.fetched_at"""
_CONFIRM: LiteralString = f"""
    WITH changed AS (
        UPDATE enrichment.zipcode_business_ids k SET checked_at = t.fetched_at, gone_at = NULL
          FROM told t WHERE {_MINE} AND t.current_id = t.old_id
        RETURNING k.business_id
    )
    SELECT count(DISTINCT business_id) FROM changed
"""
_GONE: LiteralString = f"""
    WITH changed AS (
        UPDATE enrichment.zipcode_business_ids k
           SET checked_at = t.fetched_at, gone_at = t.fetched_at
          FROM told t WHERE {_MINE} AND t.current_id IS NULL
        RETURNING k.business_id
    )
    SELECT count(DISTINCT business_id) FROM changed
"""
# Taken out first, then put in under the new id: it may be there, or be replaced itself.
_MOVE: LiteralString = f"""
    CREATE TEMP TABLE moved ON COMMIT DROP AS
    SELECT k.*, t.current_id, t.fetched_at, t.claim_id AS told_by
      FROM enrichment.zipcode_business_ids k JOIN told t ON {_MINE}
     WHERE t.current_id <> t.old_id FOR UPDATE OF k;
"""
_TAKE_OUT = """
    DELETE FROM enrichment.zipcode_business_ids k USING moved m
     WHERE k.subject_id = m.subject_id AND k.provider = m.provider
       AND k.business_id = m.business_id
"""
_PUT_IN = """
    INSERT INTO enrichment.zipcode_business_ids AS k
           (subject_id, provider, business_id, claim_id, phone_subject_id, is_new, found_at,
            checked_at)
    SELECT DISTINCT ON (subject_id, current_id)
           subject_id, provider, current_id, claim_id, phone_subject_id, is_new, found_at,
           fetched_at
      FROM moved ORDER BY subject_id, current_id, is_new DESC, found_at DESC
    ON CONFLICT (subject_id, provider, business_id) DO UPDATE
       SET checked_at = greatest(k.checked_at, EXCLUDED.checked_at),
           is_new = k.is_new OR EXCLUDED.is_new,
           phone_subject_id = coalesce(k.phone_subject_id, EXCLUDED.phone_subject_id),
           gone_at = CASE WHEN EXCLUDED.checked_at <= k.checked_at THEN k.gone_at END
"""
_NOTE = """
    INSERT INTO enrichment.business_id_changes (claim_id, provider, old_id, new_id, changed_at)
    SELECT DISTINCT told_by, provider, business_id, current_id, fetched_at FROM moved
    ON CONFLICT DO NOTHING
"""
_DIRTY = "INSERT INTO ops.mart_dirty (reason) VALUES ('ids of businesses refreshed')"


@dataclass(slots=True)
class Refreshed:
    """How many ids were due, and what became of ids; the engine's report."""

    due: int = 0
    confirmed: int = 0
    replaced: int = 0
    gone: int = 0
    report: RunReport = field(default_factory=RunReport)


async def refresh_ids(
    platform: Platform,
    *,
    clients: ClientFactories | None = None,
    dagster_run_id: str | None = None,
) -> Refreshed:
    """Ask for every id that nobody has told of for `steps.business_ids.refresh_policy_days`."""
    outcome = Refreshed()
    await asyncio.to_thread(_apply, platform, outcome)
    due = await asyncio.to_thread(_due, platform)
    if due:
        outcome.due = len(due)
        outcome.report = await run_subjects_free(
            platform, BUSINESS_IDS, due, clients=clients, dagster_run_id=dagster_run_id
        )
        await asyncio.to_thread(_apply, platform, outcome)
    return outcome


def _due(platform: Platform) -> list[str]:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup business ids") as conn:
        days = load_settings(conn).steps.business_ids.refresh_policy_days
        if days is None:
            return []
        rows = conn.execute(_DUE, (PROVIDER, timedelta(days=days))).fetchall()
    return [row[0] for row in rows]


def _apply(platform: Platform, outcome: Refreshed) -> None:
    """Write what the answers say of their ids, and count it. Safe to repeat."""
    mine = {"provider": PROVIDER}
    with (
        connect(platform.dsn, name="bulk-lookup business ids") as conn,
        conn.transaction(),
    ):
        conn.execute(_TOLD, mine)
        outcome.confirmed += conn.execute(_CONFIRM, mine).fetchall()[0][0]
        gone = conn.execute(_GONE, mine).fetchall()[0][0]
        conn.execute(_MOVE, mine)
        conn.execute(_TAKE_OUT)
        conn.execute(_PUT_IN)
        replaced = conn.execute(_NOTE).rowcount
        outcome.gone, outcome.replaced = outcome.gone + gone, outcome.replaced + replaced
        if gone or replaced:
            conn.execute(_DIRTY)
