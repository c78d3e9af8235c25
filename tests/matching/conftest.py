"""Fixtures of matching: contacts in a real database, and pairs scored on their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
import pytest

Contacts = Callable[..., list[int]]

_GROUND = """
    INSERT INTO intake.sources (source_id, name) VALUES (1, 'test') ON CONFLICT DO NOTHING;
    INSERT INTO intake.uploads (upload_id, source_id, content_hash, mapping_hash, default_region,
                                state, file_name, file_uri, size_bytes)
         VALUES (1, 1, 'a', 'b', 'US', 'received', 'a.csv', 'file:///a.csv', 1)
             ON CONFLICT DO NOTHING;
    INSERT INTO intake.batches (batch_id, upload_id, source_id, batch_number, partition_key,
                                state, row_count)
         VALUES (1, 1, 1, 1, 'key', 'created', 25000) ON CONFLICT DO NOTHING;
"""
_SUBJECT = """
    INSERT INTO intake.subjects (kind, value, value_hmac) VALUES ('phone', %(value)s::text,
                                 md5(%(value)s::text)::bytea)
        ON CONFLICT (value_hmac) DO UPDATE SET kind = 'phone' RETURNING subject_id
"""
_CONTACT = """
    INSERT INTO intake.contacts (source_id, first_batch_id, first_row_number, contact_hash,
        phone_subject_id, name, first_name, last_name, company, email, website, street, city,
        state_region, postal_code)
    VALUES (1, 1, (SELECT coalesce(max(first_row_number), 0) + 1 FROM intake.contacts),
        substr(sha256(convert_to(%(said)s, 'UTF8')), 1, 16), %(subject)s, %(name)s, %(first_name)s,
        %(last_name)s, %(company)s, %(email)s, %(website)s, %(street)s, %(city)s,
        %(state_region)s, %(postal_code)s)
    RETURNING contact_id
"""
_FIELDS = (
    "name first_name last_name company email website street city state_region postal_code".split()
)


@pytest.fixture
def add(conn: psycopg.Connection[Any]) -> Contacts:
    """Adds contacts given as dictionaries; a phone is E.164."""
    conn.execute(_GROUND)

    def contacts(*rows: Mapping[str, Any]) -> list[int]:
        return add_contacts(conn, rows)

    return contacts


def add_contacts(conn: psycopg.Connection[Any], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Ids of contacts with these values."""
    conn.execute(_GROUND)
    ids = []
    for row in rows:
        subject = conn.execute(_SUBJECT, {"value": row.get("phone") or "+10000000"}).fetchall()
        values = dict.fromkeys(_FIELDS) | {key: row.get(key) for key in _FIELDS}
        said = repr(sorted((key, str(value)) for key, value in row.items()))
        values |= {"subject": subject[0][0], "said": said}
        ids.append(conn.execute(_CONTACT, values).fetchall()[0][0])
    return ids


_LEDGER = """
    INSERT INTO ledger.plans (plan_id, state, kind, scope, estimate, price_list_version)
         VALUES (7, 'waiting_approval', 'bench', '{}', '{}', 'v1') ON CONFLICT DO NOTHING;
    INSERT INTO ledger.runs (run_id, kind, plan_id, step) VALUES (7, 'bench', 7, 'test')
         ON CONFLICT DO NOTHING;
    INSERT INTO ops.workers (worker_id, host, pid) VALUES (7, 'here', 1) ON CONFLICT DO NOTHING;
"""
_ANSWER = """
    WITH claim AS (
        INSERT INTO ledger.claims (provider, operation, subject_id, params_hash, epoch, state,
                                   plan_id, run_id, budget_day, worker_id, reserved_micros,
                                   claimed_at, deadline_at)
        SELECT 'twilio_lookup', %(operation)s, subject_id, '', 0, 'claimed', 7, 7, current_date, 7,
               0, now(), now()
          FROM intake.subjects WHERE value = %(phone)s RETURNING claim_id, subject_id
    )
    INSERT INTO enrichment.phone_lookups (subject_id, provider, operation, params_hash, claim_id,
           outcome, licence_class, fetched_at, valid, risk_level)
    SELECT subject_id, 'twilio_lookup', %(operation)s, '', claim_id, 'data', 'twilio',
           clock_timestamp(), %(valid)s, %(risk)s FROM claim
"""

_VERIFIED = """
    WITH mailbox AS (
        INSERT INTO intake.subjects (kind, value, value_hmac)
        VALUES ('email', %(email)s::text, md5(%(email)s::text)::bytea) RETURNING subject_id
    ), own AS (
        INSERT INTO intake.contact_subjects (contact_id, kind, subject_id, role)
        SELECT c.contact_id, 'email', m.subject_id, 'own' FROM mailbox m, intake.contacts c
         WHERE lower(c.email) = %(email)s
    ), claim AS (
        INSERT INTO ledger.claims (provider, operation, subject_id, params_hash, epoch, state,
                                   plan_id, run_id, budget_day, worker_id, reserved_micros,
                                   claimed_at, deadline_at)
        SELECT 'zerobounce', 'validate', subject_id, '', 0, 'claimed', 7, 7, current_date, 7, 0,
               now(), now()
          FROM mailbox RETURNING claim_id, subject_id
    )
    INSERT INTO enrichment.email_verifications (subject_id, provider, operation, params_hash,
           claim_id, outcome, licence_class, fetched_at, verdict)
    SELECT subject_id, 'zerobounce', 'validate', '', claim_id, 'data', 'contract',
           clock_timestamp(), %(verdict)s FROM claim
"""


def verify(conn: psycopg.Connection[Any], email: str, verdict: str) -> None:
    """A provider's answer about a mailbox that contacts name."""
    conn.execute(_LEDGER)
    conn.execute(_VERIFIED, {"email": email, "verdict": verdict})


def answer(
    conn: psycopg.Connection[Any],
    phone: str,
    *,
    valid: bool | None = None,
    risk: str | None = None,
) -> None:
    """A look-up's answer about a number: whether it is in use, or how risky it is."""
    conn.execute(_LEDGER)
    operation = "validation" if risk is None else "risk"
    conn.execute(_ANSWER, {"phone": phone, "valid": valid, "risk": risk, "operation": operation})
