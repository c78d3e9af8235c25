"""Our Trust Hub profiles as they were last read, one after the other.

Belongs here: reading our own tables. Does not: asking Twilio (`services.trust_hub`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from bulk_lookup_dagster.core.errors import InputError

Connection = psycopg.Connection[Any]

_PROFILES = """
    WITH part AS (
        SELECT *, CASE operation WHEN 'review' THEN 'profile' ELSE operation END AS part
          FROM enrichment.trust_hub_profiles
         WHERE outcome = 'data' AND expires_at > now()
    ), answer AS (
        SELECT DISTINCT ON (subject_id, part) * FROM part
         ORDER BY subject_id, part, fetched_at DESC
    )
    SELECT p.sid, p.kind, p.status, coalesce(p.policy, r.policy) AS policy,
           coalesce(p.friendly_name, r.friendly_name) AS friendly_name, p.valid_until,
           p.reverify_at, e.score, e.evaluation_status, e.evaluated_at, e.checks_passed,
           e.checks_failed, b.business_name, b.registration_number, b.registration_authority,
           (SELECT array_agg(t.sid ORDER BY t.sid)
              FROM answer a JOIN answer t USING (subject_id)
             WHERE a.operation = 'assignments' AND p.sid = ANY (a.assigned)
               AND t.kind = 'trust_product') AS trust_products,
           (SELECT count(*) FROM enrichment.trust_hub_companies c
             WHERE c.subject_id = p.subject_id AND c.expires_at > now()) AS companies,
           p.fetched_at AS read_at
      FROM answer p
      LEFT JOIN part r ON r.subject_id = p.subject_id AND r.operation = 'profile'
      LEFT JOIN answer e ON e.subject_id = p.subject_id AND e.operation = 'evaluation'
      LEFT JOIN answer a ON a.subject_id = p.subject_id AND a.operation = 'assignments'
      LEFT JOIN answer b ON b.sid = ANY (a.assigned) AND b.operation = 'business'
     WHERE p.part = 'profile' AND (%(sid)s::text IS NULL OR p.sid = %(sid)s)
     ORDER BY p.kind, p.status, p.sid LIMIT 10000
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile or trust product; `score` in percent, checks as `object_type.field`."""

    sid: str
    kind: str
    status: str
    policy: str | None
    friendly_name: str | None
    valid_until: datetime | None
    reverify_at: datetime | None
    score: int | None
    evaluation_status: str | None
    evaluated_at: datetime | None
    checks_passed: list[str] | None
    checks_failed: list[str] | None
    business_name: str | None
    registration_number: str | None
    registration_authority: str | None
    trust_products: list[str] | None
    companies: int
    read_at: datetime

    def as_json(self) -> dict[str, Any]:
        """A JSON-ready document."""
        return asdict(self)


def profiles(conn: Connection) -> list[Profile]:
    """Everything that was read and may still be kept."""
    return _found(conn, None)


def profile(conn: Connection, sid: str) -> Profile:
    """One of them; raises where it was not read."""
    found = _found(conn, sid)
    if not found:
        raise InputError(
            "No such profile was read.", fix="Read the account: bulk-lookup trust-hub list --anew."
        )
    return found[0]


def _found(conn: Connection, sid: str | None) -> list[Profile]:
    with conn.cursor(row_factory=class_row(Profile)) as cursor:
        return cursor.execute(_PROFILES, {"sid": sid}).fetchall()
