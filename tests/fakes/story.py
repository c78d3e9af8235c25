"""A small platform's history by SQL: uploads, answers, failures, money; every figure known.

Belongs here: rows the marts and the pages are tested against. Does not: the engine's set-up
(`tests.fakes.ledger`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.services.instance import Platform

NAME, EMAIL, PHONE = "Ada Lovelace", "ada@example.test", "+14155550100"

_LOAD = """
INSERT INTO intake.sources (name) VALUES ('default');
INSERT INTO intake.uploads
       (source_id, content_hash, mapping_hash, default_region, state, file_name, file_uri,
        size_bytes, received_at)
SELECT 1, sha256(n::text::bytea), '', 'US', 'received', 'leads-' || n || '.csv',
       'file:///leads.csv', 100, '2026-11-01 12:00+00'
  FROM generate_series(1, 3) n;
UPDATE intake.uploads SET state = 'loading';
UPDATE intake.uploads
   SET state = 'loaded', loaded_at = '2026-11-01 12:01+00', row_count = 12, contact_count = 10,
       new_contact_count = 10, reject_count = 2;
UPDATE intake.uploads SET row_count = 4, contact_count = 0, reject_count = 4 WHERE upload_id = 3;
INSERT INTO intake.rejects (upload_id, row_number, reason, detail, original)
VALUES (1, 11, 'too_short', 'd', '="=1+1"'), (1, 12, 'not_a_number', 'd', '<b>x</b>'),
       (2, 11, 'too_short', 'd', 'x'), (2, 12, 'too_short', 'd', 'x'),
       (3, 1, 'too_long', 'd', 'x'), (3, 2, 'too_long', 'd', 'x'), (3, 3, 'too_long', 'd', 'x'),
       (3, 4, 'two_numbers', 'd', 'x');
INSERT INTO intake.batches (upload_id, source_id, batch_number, partition_key, state, row_count)
VALUES (1, 1, 1, '2026-11-01-aaaa-1', 'created', 10), (2, 1, 1, '2026-11-01-bbbb-1', 'created', 10);
INSERT INTO intake.subjects (kind, value, value_hmac, region, number_type)
SELECT 'phone', '+1415555' || lpad((n + 99)::text, 4, '0'), sha256(n::text::bytea), 'US',
       'FIXED_LINE_OR_MOBILE'
  FROM generate_series(1, 18) n;
-- Upload 1: contacts 1-10 over numbers 1-8 (9 repeats 7, 10 repeats 8); upload 2: numbers 9-18.
INSERT INTO intake.contacts (source_id, first_batch_id, first_row_number, contact_hash,
                             phone_subject_id, name, email)
SELECT 1, (n + 9) / 10, (n - 1) %% 10 + 1, sha256(n::text::bytea),
       CASE WHEN n IN (9, 10) THEN n - 2 WHEN n > 10 THEN n - 2 ELSE n END,
       CASE WHEN n = 1 THEN 'Ada Lovelace' END, CASE WHEN n = 1 THEN 'ada@example.test' END
  FROM generate_series(1, 20) n;
UPDATE intake.batches SET state = 'enriching';
UPDATE intake.batches SET state = 'published', published_at = '2026-11-02 09:00+00'
 WHERE batch_id = 1;
"""

_ASK = """
INSERT INTO ledger.price_lists VALUES ('v1', '2026-11-01');
INSERT INTO ledger.plans (state, kind, upload_id, scope, estimate, price_list_version, cap_micros,
                          approved_by, approved_at, expires_at, created_at)
VALUES ('approved', 'upload', 1, '{}', %(estimate)s, 'v1', 500000, 'tester',
        '2026-11-01 12:05+00', '2026-11-08 12:05+00', '2026-11-01 12:02+00');
INSERT INTO ledger.plans (state, kind, upload_id, scope, estimate, price_list_version, created_at)
VALUES ('waiting_approval', 'upload', 2, '{}', %(estimate)s, 'v1', '2026-11-01 12:03+00');
INSERT INTO ledger.runs (kind, plan_id, batch_id, step) VALUES ('batch', 1, 1, 'phone_lookups');
INSERT INTO ops.workers (host, pid) VALUES ('here', 1);
-- Numbers 1-8 were asked for their line type; 1-6 for the caller's name as well.
INSERT INTO ledger.claims (provider, operation, subject_id, params_hash, epoch, state, plan_id,
        run_id, budget_day, worker_id, reserved_micros, claimed_at, deadline_at)
SELECT 'twilio_lookup', o.operation, n, '', 0, 'claimed', 1, 1, '2026-11-02', 1, o.price,
       '2026-11-02 08:00+00', '2026-11-02 08:10+00'
  FROM generate_series(1, 8) n
  JOIN (VALUES ('line_type_intelligence', 8000, 8), ('caller_name', 10000, 6))
       AS o (operation, price, until) ON n <= o.until
 ORDER BY o.operation DESC, n;
UPDATE ledger.claims SET state = 'answered', worker_id = NULL, cost_micros = reserved_micros,
       outcome = CASE WHEN subject_id = 6 THEN 'invalid_subject'
                      WHEN subject_id = 5 AND operation = 'caller_name' THEN 'no_data'
                      ELSE 'data' END,
       settled_at = '2026-11-02 08:00:01+00'
 WHERE subject_id <= 6;
UPDATE ledger.claims SET state = 'failed', worker_id = NULL, cost_micros = 0,
       settled_at = '2026-11-02 08:00:02+00', retry_at = '2026-11-02 09:00+00',
       error_class = 'transient', error_code = '503'
 WHERE subject_id = 7;
UPDATE ledger.claims SET state = 'unknown_outcome', worker_id = NULL, cost_micros = 8000,
       settled_at = '2026-11-02 08:00:03+00', error_class = 'unknown_outcome'
 WHERE subject_id = 8;
INSERT INTO ledger.requests (request_id, provider, endpoint, run_id, status, error_class, attempt,
        cost_micros, claim_count, sent_at, duration_ms, response_bytes)
SELECT gen_random_uuid(), 'twilio_lookup', 'lookup', 1, CASE WHEN n = 7 THEN 503 ELSE 200 END,
       CASE WHEN n = 7 THEN 'transient' END, 1, CASE WHEN n <= 6 THEN 18000 ELSE 0 END,
       1 + (n <= 6)::int, '2026-11-02 08:00+00', n * 100, 500
  FROM generate_series(1, 7) n;
"""

# line type, valid, carrier, caller type, risk: the answers of numbers 1 to 6.
_ANSWERS = """
INSERT INTO enrichment.phone_lookups (subject_id, provider, operation, params_hash, claim_id,
        outcome, licence_class, fetched_at, expires_at, valid, line_type, carrier_name)
SELECT a.n, 'twilio_lookup', 'line_type_intelligence', '', c.claim_id, c.outcome, 'twilio',
       '2026-11-02 08:00:01+00', now() + interval '90 days', a.valid, a.line_type, a.carrier
  FROM (VALUES (1, true, 'mobile', 'Alpha Wireless'), (2, true, 'fixedVoip', 'Beta Voice'),
               (3, true, 'nonFixedVoip', 'Beta Voice'), (4, true, 'tollFree', NULL),
               (5, true, 'landline', '<script>alert(1)</script>'), (6, false, NULL, NULL))
       AS a (n, valid, line_type, carrier)
  JOIN ledger.claims c ON c.subject_id = a.n AND c.operation = 'line_type_intelligence';
INSERT INTO enrichment.phone_lookups (subject_id, provider, operation, params_hash, claim_id,
        outcome, licence_class, fetched_at, expires_at, caller_name, caller_type,
        sms_pumping_risk_score, risk_level)
SELECT a.n, 'twilio_lookup', 'caller_name', '', c.claim_id, c.outcome, 'twilio',
       '2026-11-02 08:00:01+00',
       CASE WHEN a.n = 4 THEN '2026-11-02 08:00:02+00' ELSE now() + interval '30 days' END,
       'ADA LOVELACE', a.caller_type, a.score, a.risk
  FROM (VALUES (1, 'CONSUMER', 10, 'low'), (2, 'BUSINESS', 90, 'high'), (3, NULL, 50, 'medium'),
               (4, 'BUSINESS', 5, 'low'), (5, NULL, NULL, 'unknown'))
       AS a (n, caller_type, score, risk)
  JOIN ledger.claims c ON c.subject_id = a.n AND c.operation = 'caller_name';
INSERT INTO ops.provider_quotas (provider, unit, allowance, remaining, told_at)
VALUES ('zerobounce', 'credits', 1000, 150, '2026-11-02 08:00+00');
-- Beside them whether two lines are in service: one answer's time is over.
INSERT INTO enrichment.line_statuses (subject_id, provider, operation, params_hash, claim_id,
        outcome, licence_class, fetched_at, expires_at, line_status)
SELECT a.n, 'trestle', 'phone_intel', '', c.claim_id, 'data', 'trestle', '2026-11-02 08:00:01+00',
       CASE WHEN a.n = 2 THEN '2026-11-02 08:00:02+00' ELSE now() + interval '30 days' END, a.status
  FROM (VALUES (1, 'connected'), (2, 'disconnected')) AS a (n, status)
  JOIN ledger.claims c ON c.subject_id = a.n AND c.operation = 'line_type_intelligence';
INSERT INTO ops.mart_dirty (reason, batch_id) VALUES ('batch published', 1);
"""


def platform_of(dsn: str, home: Path, **environ: str) -> Platform:
    """An open platform over a test's database."""
    values = {"BULK_LOOKUP_ENV": "demo", "BULK_LOOKUP_HOME": str(home), **environ}
    return Platform(
        environment=read_environment(values),
        dsn=dsn,
        dagster_dsn=dsn,
        migration_dsn=dsn,
        secret_key=b"test" * 8,
        embedded=None,
    )


def tell(conn: psycopg.Connection[Any], estimate: str = "{}") -> None:
    """Write the whole history."""
    for part in (_LOAD, _ASK, _ANSWERS):
        for statement in part.replace("\n--", "\n  --").split(";\n"):
            if statement.strip():
                conn.execute(statement, {"estimate": estimate})
