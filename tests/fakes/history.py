"""Batches of one source by SQL, each with refused rows, types of numbers and look-ups to choose.

Belongs here: what checks against history look at. Does not: what marts show (`tests.fakes.story`).
"""

from __future__ import annotations

from typing import Any

import psycopg

_ONCE = """
INSERT INTO intake.sources (name) VALUES (%(source)s) ON CONFLICT DO NOTHING;
INSERT INTO ledger.price_lists VALUES ('v1', '2026-11-01') ON CONFLICT DO NOTHING;
INSERT INTO ledger.plans (plan_id, state, kind, scope, estimate, price_list_version)
OVERRIDING SYSTEM VALUE VALUES (0, 'waiting_approval', 'upload', '{}', '{}', 'v1')
ON CONFLICT DO NOTHING;
INSERT INTO ledger.runs (run_id, kind, plan_id, step)
OVERRIDING SYSTEM VALUE VALUES (0, 'batch', 0, 'phone_lookups') ON CONFLICT DO NOTHING;
INSERT INTO ops.workers (worker_id, host, pid)
OVERRIDING SYSTEM VALUE VALUES (0, 'here', 1) ON CONFLICT DO NOTHING
"""
_BATCH = """
WITH u AS (
    INSERT INTO intake.uploads (source_id, content_hash, mapping_hash, default_region, state,
           file_name, file_uri, size_bytes, row_count, reject_count,
           contact_count, new_contact_count)
    SELECT source_id, sha256(random()::text::bytea), '', 'US', 'received', 'f', 'f', 1,
           %(rows)s + %(refused)s, %(refused)s,
           %(rows)s, %(rows)s
      FROM intake.sources WHERE name = %(source)s RETURNING upload_id, source_id
)
INSERT INTO intake.batches (upload_id, source_id, batch_number, partition_key, state, row_count)
SELECT upload_id, source_id, 1, 'key-' || upload_id, 'created', %(rows)s FROM u
RETURNING batch_id, partition_key
"""
_ROWS = """
UPDATE intake.uploads SET state = 'loading' WHERE state = 'received';
UPDATE intake.uploads SET state = 'loaded', loaded_at = clock_timestamp() WHERE state = 'loading';
INSERT INTO intake.subjects (kind, value, value_hmac, region, number_type)
SELECT 'phone', '+1415' || %(batch)s || '-' || n, sha256((%(batch)s || '-' || n)::bytea), 'US',
       CASE WHEN n <= %(landlines)s THEN 'FIXED_LINE' ELSE 'MOBILE' END
  FROM generate_series(1, %(rows)s) n;
INSERT INTO intake.contacts (source_id, first_batch_id, first_row_number, contact_hash,
       phone_subject_id)
SELECT b.source_id, b.batch_id, n, s.value_hmac, s.subject_id
  FROM generate_series(1, %(rows)s) n
  JOIN intake.subjects s ON s.value_hmac = sha256((%(batch)s || '-' || n)::bytea)
  JOIN intake.batches b ON b.batch_id = %(batch)s;
INSERT INTO ledger.claims (provider, operation, subject_id, params_hash, epoch, state, plan_id,
       run_id, budget_day, worker_id, reserved_micros, claimed_at, deadline_at)
SELECT 'twilio_lookup', 'line_type_intelligence', phone_subject_id, '', 0, 'claimed', 0, 0,
       current_date, 0, 1, now(), now()
  FROM intake.contacts WHERE first_batch_id = %(batch)s;
UPDATE ledger.claims c
   SET state = CASE WHEN first_row_number > %(rows)s - %(unknown)s THEN 'unknown_outcome'
                    ELSE 'answered' END,
       outcome = CASE WHEN first_row_number > %(rows)s - %(unknown)s THEN NULL ELSE 'data' END,
       worker_id = NULL, cost_micros = 1, settled_at = now()
  FROM intake.contacts o
 WHERE o.phone_subject_id = c.subject_id AND o.first_batch_id = %(batch)s;
INSERT INTO enrichment.phone_lookups (subject_id, provider, operation, params_hash, claim_id,
       outcome, licence_class, fetched_at, expires_at, line_type)
SELECT c.subject_id, c.provider, c.operation, '', c.claim_id, 'data', 'twilio', now(),
       now() + interval '90 days',
       CASE WHEN first_row_number <= %(landlines)s THEN 'landline' ELSE 'mobile' END
  FROM intake.contacts o JOIN ledger.claims c ON c.subject_id = o.phone_subject_id
 WHERE o.first_batch_id = %(batch)s AND c.state = 'answered';
UPDATE intake.batches SET state = 'enriching' WHERE batch_id = %(batch)s
"""
_PUBLISH = """
    UPDATE intake.batches SET state = 'published', published_at = clock_timestamp()
     WHERE batch_id = %(batch)s
"""


def add_batch(
    conn: psycopg.Connection[Any],
    *,
    rows: int = 200,
    refused: int = 20,
    landlines: int = 80,
    unknown: int = 2,
    published: bool = False,
    source: str = "default",
) -> str:
    """An upload of one batch, asked about and answered; returns its partition key."""
    values: dict[str, Any] = {
        "rows": rows,
        "refused": refused,
        "landlines": landlines,
        "unknown": unknown,
        "source": source,
    }
    _each(conn, _ONCE, values)
    batch, key = conn.execute(_BATCH, values).fetchall()[0]
    _each(conn, _ROWS, values | {"batch": batch})
    if published:
        conn.execute(_PUBLISH, {"batch": batch})
    return str(key)


def _each(conn: psycopg.Connection[Any], statements: str, values: dict[str, Any]) -> None:
    for statement in statements.split(";\n"):
        conn.execute(statement.encode(), values)
