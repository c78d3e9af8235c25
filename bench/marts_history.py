"""A finished platform by SQL, and what happens to it next, for `bench.marts`.

Belongs here: statements. Does not: measuring.
"""

from __future__ import annotations

_BATCH = 25_000
_CLAIMS = f"""
    INSERT INTO ledger.claims (claim_id, provider, operation, subject_id, params_hash, epoch,
           plan_id, run_id, budget_day, reserved_micros, claimed_at, deadline_at,
           state, worker_id, outcome, cost_micros, settled_at)
    SELECT n * 2 + o.k, 'twilio_lookup', o.operation, n, '', 0, (n - 1) / {_BATCH} + 1,
           (n - 1) / {_BATCH} + 1, '2026-11-02', 8000, now(), now(), $END
      FROM {{series}}, (VALUES (0, 'line_type_intelligence'), (1, 'caller_name')) o (k, operation)
"""
_OPEN = "'claimed', 1, NULL, NULL, NULL"
_ANSWERED = "'answered', NULL, 'data', 8000, clock_timestamp()"
_ANSWER = """
    UPDATE ledger.claims SET state = 'answered', outcome = 'data', worker_id = NULL,
           cost_micros = 8000, settled_at = clock_timestamp() WHERE state = 'claimed'
"""


def _more(first: str, last: str, claims: tuple[str, ...]) -> tuple[str, ...]:
    """Statements that add contacts `first` to `last` with numbers, claims, exchanges, answers."""
    batches = f"generate_series(({first} - 1) / {_BATCH}, ({last} - 1) / {_BATCH}) b"
    series = f"generate_series({first}, {last}) n"
    return (
        f"""
        INSERT INTO intake.uploads (upload_id, source_id, content_hash, mapping_hash,
               default_region, state, file_name, file_uri, size_bytes)
        SELECT b + 1, 1, sha256(b::text::bytea), '', 'US', 'received', 'f', 'f', 1 FROM {batches}
        """,
        "UPDATE intake.uploads SET state = 'loading' WHERE state = 'received'",
        f"""
        UPDATE intake.uploads SET state = 'loaded', loaded_at = clock_timestamp(),
               row_count = {_BATCH}, contact_count = {_BATCH}, new_contact_count = {_BATCH},
               reject_count = 0 WHERE state = 'loading'
        """,
        f"""
        INSERT INTO intake.batches (batch_id, upload_id, source_id, batch_number, partition_key,
               state, row_count)
        SELECT b + 1, b + 1, 1, 1, 'k' || b, 'created', {_BATCH} FROM {batches}
        """,
        f"""
        INSERT INTO intake.subjects (subject_id, kind, value, value_hmac, region, number_type)
        SELECT n, 'phone', '+1415' || (2000000 + n), sha256(n::text::bytea), 'US', 'MOBILE'
          FROM {series}
        """,
        f"""
        INSERT INTO intake.contacts (contact_id, source_id, first_batch_id, first_row_number,
               contact_hash, phone_subject_id, name, email)
        SELECT n, 1, (n - 1) / {_BATCH} + 1, (n - 1) % {_BATCH} + 1, sha256(n::text::bytea), n,
               'Name ' || n, CASE WHEN n % 3 = 0 THEN n || '@example.test' END
          FROM {series}
        """.replace(" % ", " %% "),
        f"""
        INSERT INTO ledger.plans (plan_id, state, kind, upload_id, scope, estimate,
               price_list_version, approved_by, approved_at)
        SELECT b + 1, 'waiting_approval', 'upload', b + 1, '{{}}',
               '{{"p10_micros": 1, "p50_micros": 2, "p90_micros": 3, "max_micros": 4}}', 'v1',
               'bench', now() FROM {batches}
        """,
        "UPDATE ledger.plans SET state = 'approved' WHERE state = 'waiting_approval'",
        f"""
        INSERT INTO ledger.runs (run_id, kind, plan_id, batch_id, step)
        SELECT b + 1, 'batch', b + 1, b + 1, 'phone_lookups' FROM {batches}
        """,
        *(statement.format(series=series) for statement in claims),
        f"""
        INSERT INTO ledger.requests (request_id, provider, endpoint, run_id, status, attempt,
               cost_micros, claim_count, sent_at, duration_ms, response_bytes)
        SELECT gen_random_uuid(), 'twilio_lookup', 'lookup', (n - 1) / {_BATCH} + 1, 200, 1, 16000,
               2, now(), 50 + n % 900, 500 FROM {series}
        """.replace(" n % 900", " n %% 900"),
        f"""
        INSERT INTO enrichment.phone_lookups (subject_id, provider, operation, params_hash,
               claim_id, outcome, licence_class, fetched_at, expires_at, valid, line_type,
               carrier_name)
        SELECT n, 'twilio_lookup', 'line_type_intelligence', '', n * 2, 'data', 'twilio', now(),
               now() + interval '90 days', true,
               (ARRAY['mobile', 'landline', 'fixedVoip', 'nonFixedVoip'])[1 + n %% 4],
               'Carrier ' || n %% 40 FROM {series}
        """,
        f"""
        INSERT INTO enrichment.phone_lookups (subject_id, provider, operation, params_hash,
               claim_id, outcome, licence_class, fetched_at, expires_at, caller_type)
        SELECT n, 'twilio_lookup', 'caller_name', '', n * 2 + 1, 'data', 'twilio', now(),
               now() + interval '30 days', (ARRAY['BUSINESS', 'CONSUMER', NULL])[1 + n %% 3]
          FROM {series}
        """,
        "UPDATE intake.batches SET state = 'enriching' WHERE state = 'created'",
        """
        UPDATE intake.batches SET state = 'published', published_at = clock_timestamp()
         WHERE state = 'enriching'
        """,
    )


HISTORY = (
    # As it ended: no trigger looks at states, references or changes; the first build reads all.
    "SET session_replication_role = replica",
    "INSERT INTO intake.sources (source_id, name) VALUES (1, 'default')",
    "INSERT INTO ledger.price_lists VALUES ('v1', '2026-11-01')",
    "INSERT INTO ops.workers (worker_id, host, pid) VALUES (1, 'here', 1)",
    *_more("1", "%(contacts)s", (_CLAIMS.replace("$END", _ANSWERED),)),
    "SET session_replication_role = DEFAULT",
    "VACUUM ANALYZE",
)
"""Statements with the parameter `contacts`, a multiple of 25,000."""

CHANGES = (
    *_more(
        "%(contacts)s + 1", f"%(contacts)s + {_BATCH}", (_CLAIMS.replace("$END", _OPEN), _ANSWER)
    ),
    # The number of changed rows is the same at every size: a stretch, and people all over it.
    """
    UPDATE enrichment.phone_lookups SET line_type = 'tollFree', fetched_at = now(),
           expires_at = now() + interval '90 days'
     WHERE operation = 'line_type_intelligence' AND subject_id BETWEEN 25001 AND 50000
    """,
    """
    UPDATE enrichment.phone_lookups SET expires_at = clock_timestamp()
     WHERE operation = 'caller_name' AND subject_id BETWEEN 50001 AND 55000
    """,
    """
    WITH erased AS (
        UPDATE intake.contacts SET name = NULL, email = NULL, erased_at = now()
         WHERE contact_id IN (SELECT k * (%(contacts)s / 1000) FROM generate_series(1, 1000) k)
        RETURNING phone_subject_id
    ), emptied AS (
        DELETE FROM enrichment.phone_lookups l USING erased e
         WHERE l.subject_id = e.phone_subject_id
    )
    UPDATE intake.subjects s SET value = NULL, erased_at = now()
      FROM erased e WHERE s.subject_id = e.phone_subject_id
    """,
)
