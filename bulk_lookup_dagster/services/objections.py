"""People who objected at a vendor: what it told of them before is served no further.

A vendor that may not tell of a person any more wants what it told forgotten too. Its values about
that person and their addresses run out at once: views and marts stop showing them, housekeeping
empties rows and removes bodies, replay leaves them alone, and nothing is bought anew. An address
that only this vendor told is no longer a contact's. That it may not be mailed stays.

Belongs here: withdrawing. Does not: telling an objection from other answers (`resources`), asking
nobody else (`engine.waterfall`, `services.steps.people`).
"""

from __future__ import annotations

from typing import Any

import psycopg

from resources.hunter_records import CLAIMED, PROVIDER

# Everything is looked up before anything changes: the parts of one statement see the same rows.
_WITHDRAW = """
    WITH objected AS (
        SELECT s.subject_id, s.kind, s.value
          FROM ledger.claims c JOIN intake.subjects s USING (subject_id)
         WHERE c.provider = %(provider)s AND c.outcome = 'objected'
        UNION
        SELECT s.subject_id, s.kind, s.value
          FROM enrichment.email_verifications r JOIN intake.subjects s USING (subject_id)
         WHERE r.provider = %(provider)s AND r.sub_status = %(claimed)s
    ),
    same_contact AS (
        SELECT l.subject_id
          FROM objected o
          JOIN intake.contact_subjects x ON x.subject_id = o.subject_id
          JOIN intake.contact_subjects l ON l.contact_id = x.contact_id
         WHERE o.kind IN ('person', 'email') AND l.kind IN ('person', 'email') AND l.kind <> o.kind
    ),
    addresses AS (SELECT value FROM objected WHERE kind = 'email'),
    concerned AS (
        SELECT subject_id FROM objected
        UNION SELECT subject_id FROM same_contact
        UNION SELECT r.subject_id FROM enrichment.email_candidates r
               WHERE r.provider = %(provider)s AND lower(r.email) IN (SELECT value FROM addresses)
    ),
    {updates},
    withdrawn AS ({together}),
    unlinked AS (
        DELETE FROM intake.contact_subjects l USING withdrawn w
         WHERE l.origin_claim_id = w.claim_id AND l.kind = 'email'
    ),
    bodies AS (
        UPDATE ledger.bodies b SET expires_at = greatest(now(), b.fetched_at)
          FROM withdrawn w WHERE b.claim_id = w.claim_id
    )
    SELECT count(*) FROM withdrawn
"""
_UPDATE = """
    {name} AS (
        UPDATE enrichment.{name} r SET expires_at = greatest(now(), r.fetched_at)
         WHERE r.provider = %(provider)s AND r.outcome = 'data'
           AND (r.expires_at IS NULL OR r.expires_at > now()) {unless}
           AND r.subject_id IN (SELECT subject_id FROM concerned)
        RETURNING r.claim_id
    )
"""
_THE_OBJECTION = {"email_verifications": "AND r.sub_status IS DISTINCT FROM %(claimed)s"}
_TABLES = ("person_profiles", "email_candidates", "email_verifications", "company_profiles")


def withdraw_objected(conn: psycopg.Connection[Any]) -> int:
    """Let run out what a vendor told of people who objected there; says how many values."""
    values = {"provider": PROVIDER, "claimed": CLAIMED}
    return int(conn.execute(_statement().encode(), values).fetchall()[0][0])


def _statement() -> str:
    updates = ",".join(
        _UPDATE.format(name=name, unless=_THE_OBJECTION.get(name, "")) for name in _TABLES
    )
    together = " UNION ALL ".join(f"SELECT claim_id FROM {name}" for name in _TABLES)  # nosec: ours
    return _WITHDRAW.format(updates=updates, together=together)
