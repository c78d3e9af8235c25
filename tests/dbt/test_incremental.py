"""F21: an incremental build ends with what a full one would have made, whatever happened before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import build_marts
from bulk_lookup_dagster.storage.database import connect
from tests.fakes.story import platform_of, tell

Connection = psycopg.Connection[Any]
_PER_BUILD = 4
_RELATIONS = """
    SELECT n.nspname, c.relname,
           (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attname <> 'as_of')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'v')
       AND (n.nspname = 'marts' OR n.nspname = 'intermediate' AND c.relname NOT LIKE 'int_changed%')
     ORDER BY 1, 2
"""
_OTHER_STATUS = """
    SELECT d.contact_id, d.status, s.status FROM marts.dim_contacts d
      JOIN ops.contact_status s USING (contact_id) WHERE d.status <> s.status
"""
_ANSWER = """
    UPDATE ledger.claims SET state = 'answered', outcome = 'data', worker_id = NULL,
           cost_micros = reserved_micros, settled_at = clock_timestamp()
     WHERE subject_id = %(n)s AND state IN ('claimed', 'unknown_outcome')
"""
_CLAIM = """
    INSERT INTO ledger.claims (provider, operation, subject_id, params_hash, epoch, state, plan_id,
           run_id, budget_day, worker_id, reserved_micros, claimed_at, deadline_at)
    VALUES ('twilio_lookup', 'caller_name', %(n)s, '', 0, 'claimed', %(plan)s, %(run)s,
            '2026-11-03', 1, 10000, now(), now())
"""
_OPINIONS = ((900, "trestle", "phone_intel"), (901, "twilio_lookup", "line_status"))
_OTHER = """
    WITH asked AS (
        INSERT INTO ledger.claims (claim_id, provider, operation, subject_id, params_hash, epoch,
               state, plan_id, run_id, budget_day, worker_id, reserved_micros, claimed_at,
               deadline_at)
        OVERRIDING SYSTEM VALUE VALUES (%(claim)s, '%(provider)s', '%(operation)s', 5, '', 0,
               'claimed', 1, 90, '2026-11-03', 1, 7000, now(), now())
        RETURNING claim_id
    )
    INSERT INTO enrichment.line_statuses (subject_id, provider, operation, params_hash, claim_id,
           outcome, licence_class, fetched_at, expires_at, line_status)
    SELECT 5, '%(provider)s', '%(operation)s', '', claim_id, 'data', 'x', now(),
           now() + interval '30 days', 'connected' FROM asked
"""
_VERDICT = """
    WITH asked AS (
        INSERT INTO ledger.claims (claim_id, provider, operation, subject_id, params_hash, epoch,
               state, plan_id, run_id, budget_day, worker_id, reserved_micros, claimed_at,
               deadline_at)
        OVERRIDING SYSTEM VALUE VALUES (902, 'zerobounce', 'validate', 500, '', 0, 'claimed', 1,
               90, '2026-11-03', 1, 7000, now(), now())
        RETURNING claim_id
    )
    INSERT INTO enrichment.email_verifications (subject_id, provider, operation, params_hash,
           claim_id, outcome, licence_class, fetched_at, expires_at, verdict)
    SELECT 500, 'zerobounce', 'validate', '', claim_id, 'data', 'x', now(),
           now() + interval '30 days', 'valid' FROM asked
"""
CHANGES = {
    "a batch is published": (
        "UPDATE intake.batches SET state = 'enriching' WHERE batch_id = 2",
        "UPDATE intake.batches SET state = 'published', published_at = now() WHERE batch_id = 2",
    ),
    "a published batch is blocked": (
        "UPDATE intake.batches SET state = 'enriching' WHERE batch_id = 1",
        "UPDATE intake.batches SET state = 'blocked' WHERE batch_id = 1",
    ),
    "another upload repeats a contact and takes over its number": (
        "INSERT INTO intake.repeated_rows (batch_id, row_number, contact_id) VALUES (2, 11, 1)",
        "UPDATE intake.batches SET state = 'enriching' WHERE batch_id = 2",
        "UPDATE intake.batches SET state = 'published', published_at = now() WHERE batch_id = 2",
        "UPDATE intake.batches SET state = 'enriching' WHERE batch_id = 1",
        "UPDATE intake.batches SET state = 'blocked' WHERE batch_id = 1",
    ),
    "a number is asked again by a later run": (
        "INSERT INTO ledger.runs (kind, plan_id, step) VALUES ('nightly', 1, 'phone_lookups')",
        "UPDATE ledger.claims SET state = 'claimed', worker_id = 1, run_id = 2, attempt = 2,"
        " settled_at = NULL, retry_at = NULL, error_class = NULL, error_code = NULL,"
        " cost_micros = NULL WHERE subject_id = 7 AND operation = 'line_type_intelligence'",
        _ANSWER % {"n": 7},
    ),
    "an unknown outcome turns out answered": (_ANSWER % {"n": 8},),
    "a question is asked": (_CLAIM % {"n": 8, "plan": 1, "run": 1},),
    "an answer runs out": (
        "UPDATE enrichment.phone_lookups SET expires_at = clock_timestamp()"
        " WHERE subject_id IN (1, 2)",
    ),
    "an answer is replaced": (
        "UPDATE enrichment.phone_lookups SET line_type = 'landline', fetched_at = now(),"
        " expires_at = now() + interval '90 days'"
        " WHERE subject_id = 2 AND operation = 'line_type_intelligence'",
    ),
    "a number gets a second opinion": (
        "INSERT INTO ledger.runs (run_id, kind, plan_id, step) OVERRIDING SYSTEM VALUE"
        " VALUES (90, 'nightly', 1, 'line_statuses')",
        *(
            _OTHER % {"claim": claim, "provider": provider, "operation": operation}
            for claim, provider, operation in _OPINIONS
        ),
    ),
    "answers are purged": ("DELETE FROM enrichment.phone_lookups WHERE subject_id < 4",),
    "a person is erased": (
        "UPDATE intake.contacts SET name = NULL, email = NULL, erased_at = now()"
        " WHERE contact_id = 1",
        "UPDATE intake.subjects SET value = NULL, erased_at = now() WHERE subject_id = 1",
        "DELETE FROM enrichment.phone_lookups WHERE subject_id = 1",
    ),
    "a contact is deleted whose number another one shares": (
        "DELETE FROM intake.contacts WHERE contact_id = 7",
    ),
    "a plan is approved": (
        "UPDATE ledger.plans SET state = 'approved', approved_by = 'me', approved_at = now()"
        " WHERE plan_id = 2",
    ),
    "an answer is quarantined": (
        "INSERT INTO ops.quarantine (step, table_name, claim_id, rule)"
        " VALUES ('phone_lookups', 'enrichment.phone_lookups', 1, 'test')",
    ),
    "one opinion of the two runs out": (
        "UPDATE enrichment.line_statuses SET expires_at = clock_timestamp()"
        " WHERE provider = 'trestle' AND subject_id = 5",
    ),
    "an address is verified and a published contact leads to it": (
        "INSERT INTO intake.subjects (subject_id, kind, value, value_hmac) OVERRIDING SYSTEM VALUE"
        " VALUES (500, 'email', 'a@example.test', sha256('a'))",
        _VERDICT,
        "INSERT INTO intake.contact_subjects (contact_id, kind, subject_id, role)"
        " VALUES (2, 'email', 500, 'given')",
    ),
    "another contact leads to an address that was verified before": (
        "INSERT INTO intake.contact_subjects (contact_id, kind, subject_id, role)"
        " VALUES (3, 'email', 500, 'given')",
    ),
    "the verdict runs out": (
        "UPDATE enrichment.email_verifications SET expires_at = clock_timestamp()",
    ),
    "an exchange is logged late": (
        "INSERT INTO ledger.requests (request_id, provider, endpoint, run_id, status, attempt,"
        " cost_micros, claim_count, sent_at, duration_ms, response_bytes) VALUES"
        " (gen_random_uuid(), 'twilio_lookup', 'lookup', 1, 200, 1, 0, 1, now(), 9000, 1)",
    ),
}


def shown(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every mart and of what the marts are made from."""
    return {
        f"{schema}.{name}": sorted(
            conn.execute(
                sql.SQL("SELECT {} FROM {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(schema, name)
                )
            ).fetchall(),
            key=repr,
        )
        for schema, name, columns in conn.execute(_RELATIONS).fetchall()
    }


@pytest.fixture
def told(dsn: str, tmp_path: Path) -> Platform:
    platform = platform_of(dsn, tmp_path)
    with connect(dsn) as conn:
        tell(conn)
    build_marts(platform)
    return platform


def test_f21_an_incremental_build_equals_a_full_one(told: Platform) -> None:
    """All the changes, a few per build; and the marts do see them."""
    changes = list(CHANGES.items())
    with connect(told.dsn, autocommit=True) as conn:
        for start in range(0, len(changes), _PER_BUILD):
            group = changes[start : start + _PER_BUILD]
            before = shown(conn)
            for statement in (each for _, statements in group for each in statements):
                conn.execute(statement.encode())
            build_marts(told)
            incremental = shown(conn)
            build_marts(told, full_refresh=True)
            assert shown(conn) == incremental, [name for name, _ in group]
            assert incremental != before
            assert conn.execute(_OTHER_STATUS).fetchall() == []
            assert conn.execute("SELECT count(*) FROM ops.mart_changes").fetchone() == (0,)


def test_an_answer_that_runs_out_between_two_builds_is_counted_no_more(
    told: Platform, superuser_dsn: str
) -> None:
    mobile = "SELECT line_mobile FROM marts.dashboard_stats"
    with connect(superuser_dsn, autocommit=True) as conn:
        before = conn.execute(mobile).fetchone()
        # Time passes without a write, so without a note.
        conn.execute("SET session_replication_role = replica")
        conn.execute(
            "UPDATE enrichment.phone_lookups SET expires_at = clock_timestamp()"
            " WHERE subject_id = 1"
        )
        build_marts(told)
        assert (before, conn.execute(mobile).fetchone()) == ((1,), (0,))


def test_f21_a_failed_build_leaves_its_changes_to_the_next(told: Platform) -> None:
    with connect(told.dsn, autocommit=True) as conn:
        conn.execute(CHANGES["answers are purged"][0].encode())
        conn.execute("DROP VIEW marts.dim_contacts CASCADE")
        conn.execute("CREATE TYPE marts.dim_contacts AS ENUM ('in the way')")
        with pytest.raises(Exception, match="dim_contacts"):
            build_marts(told)
        conn.execute("DROP TYPE marts.dim_contacts")
        build_marts(told)
        incremental = shown(conn)
        build_marts(told, full_refresh=True)
        assert shown(conn) == incremental


def test_f21_writes_go_on_while_the_marts_are_being_built_and_without_any(told: Platform) -> None:
    """No write waits for a mart or fails with one: each is locked as a build would, then gone."""
    statements = [each.encode() for group in CHANGES.values() for each in group]
    half = len(statements) // 2
    with connect(told.dsn) as build, connect(told.dsn, autocommit=True) as conn:
        conn.execute("SET lock_timeout = '5s'")
        tables = build.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname IN ('marts', 'intermediate')"
        ).fetchall()
        assert tables
        for schema, name in tables:
            build.execute(
                sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(
                    sql.Identifier(schema, name)
                )
            )
        for statement in statements[:half]:
            conn.execute(statement)
        build.rollback()
        for schema in ("marts", "intermediate", "staging"):
            conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
        for statement in statements[half:]:
            conn.execute(statement)
