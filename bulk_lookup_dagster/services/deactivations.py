"""Days of deactivated numbers: fetching a day's file and marking the numbers of ours in it.

A file is kept as long as a line status may be, so that numbers which arrive later are marked too;
strangers' numbers are never stored elsewhere. Marking again adds nothing.

Belongs here: the use case. Does not: the request (`resources.twilio_deactivations_client`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
import psycopg

from bulk_lookup_dagster.core.privacy import subject_hmac
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.engine.settlement import unpack
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import ClientFactories
from bulk_lookup_dagster.services.steps.deactivations import DEACTIVATIONS
from bulk_lookup_dagster.services.subject_runs import run_subjects_free
from bulk_lookup_dagster.storage.database import connect
from resources.twilio_deactivations_records import PROVIDER

Connection = psycopg.Connection[Any]

# The newest kept file of each day, and whether numbers may have arrived since it was compared.
_FILES = """
    SELECT DISTINCT ON (d.day) d.day, d.claim_id, d.expires_at, b.body
      FROM enrichment.deactivations d JOIN ledger.bodies b USING (claim_id)
     WHERE d.provider = %s AND d.outcome = 'data' AND d.expires_at > now()
     ORDER BY d.day, d.fetched_at DESC
"""
_CREATE = """
    CREATE TEMP TABLE IF NOT EXISTS died (value_hmac bytea PRIMARY KEY) ON COMMIT DELETE ROWS
"""
_MARK = """
    INSERT INTO enrichment.deactivated_numbers (subject_id, day, claim_id, expires_at)
    SELECT s.subject_id, %s, %s, %s
      FROM died d JOIN intake.subjects s USING (value_hmac)
     WHERE s.kind = 'phone' AND s.erased_at IS NULL
     ORDER BY s.subject_id
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Day:
    """What became of a day: the engine's report, and how many numbers of ours were marked now."""

    report: RunReport
    marked: int


async def fetch_day(
    platform: Platform,
    day: date,
    *,
    clients: ClientFactories | None = None,
    dagster_run_id: str | None = None,
) -> Day:
    """Fetch the file of a day, unless it was, and mark our numbers in every kept file."""
    report = await run_subjects_free(
        platform,
        DEACTIVATIONS,
        [day.isoformat()],
        clients=clients,
        dagster_run_id=dagster_run_id,
    )
    with connect(platform.dsn, autocommit=True, name="bulk-lookup deactivations") as conn:
        return Day(report, mark_deactivated(conn, platform.secret_key))


def mark_deactivated(conn: Connection, secret_key: bytes) -> int:
    """Mark numbers of ours that stand in a file which may still be kept; how many are new."""
    marked = 0
    for day, claim_id, expires_at, body in conn.execute(_FILES, (PROVIDER,)).fetchall():
        numbers = orjson.loads(unpack(bytes(body)))["numbers"]
        with conn.transaction(), conn.cursor() as cursor:
            cursor.execute(_CREATE)
            with cursor.copy("COPY died (value_hmac) FROM STDIN") as copy:
                for number in numbers:
                    copy.write_row((subject_hmac(secret_key, "phone", number),))
            marked += cursor.execute(_MARK, (day, claim_id, expires_at)).rowcount
    return marked
