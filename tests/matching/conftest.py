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
