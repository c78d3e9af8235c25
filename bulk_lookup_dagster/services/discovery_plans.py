"""Plans of discovery: what looking for the businesses of ZIP codes would ask and cost.

A page is a question, and how many pages a ZIP code has is not known before they are read: the
estimate follows chains as long as earlier ones were, and its maximum, which the cap covers,
is every page the limit allows at every provider.

Belongs here: requests, their plan and its estimate. Does not: approving (`services.approvals`),
running (`services.discovery`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from bulk_lookup_dagster.core.subjects import ZipcodeKey
from bulk_lookup_dagster.services.discovery_estimates import estimate
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import Plan
from bulk_lookup_dagster.services.steps.zipcode_businesses import ZIPCODE_BUSINESSES
from bulk_lookup_dagster.services.subject_plans import plan_subjects
from bulk_lookup_dagster.services.subject_runs import ensure_subjects

Connection = psycopg.Connection[Any]
KIND = "discovery"

_REQUEST = """
    INSERT INTO enrichment.zipcode_requests (subject_id, zipcode, business_type, partition_key)
    SELECT s.subject_id, r.* FROM unnest(%s::text[], %s::text[], %s::text[])
           AS r (zipcode, business_type, partition_key)
      JOIN intake.subjects s ON s.kind = 'zipcode'
                            AND s.value = r.zipcode || '|' || r.business_type
     WHERE s.subject_id = ANY (%s)
    ON CONFLICT DO NOTHING
"""


def partition_key(key: ZipcodeKey) -> str:
    """How a request is called as a partition, such as `85001-dentist`."""
    return f"{key.zipcode}-{key.business_type or 'any'}"


def plan_discovery(
    conn: Connection, platform: Platform, keys: Sequence[ZipcodeKey], limit: int
) -> Plan:
    """The open plan of these requests, or a new one; done at once where nothing is left to ask.

    Raises `ConfigError` where nobody can be asked.
    """
    return plan_subjects(
        conn,
        platform,
        ZIPCODE_BUSINESSES,
        note_requests(conn, platform, keys),
        kind=KIND,
        what="requests",
        estimate=lambda asked: estimate(conn, asked, limit),
        terms={"limit": limit},
    )


def note_requests(conn: Connection, platform: Platform, keys: Sequence[ZipcodeKey]) -> list[int]:
    """The subjects of requests, made where they are unknown."""
    values = [key.value for key in keys]
    subject_ids = ensure_subjects(conn, platform.secret_key, "zipcode", values)
    names = [partition_key(key) for key in keys]
    zipcodes, types = [key.zipcode for key in keys], [key.business_type for key in keys]
    conn.execute(_REQUEST, (zipcodes, types, names, subject_ids))
    return subject_ids
