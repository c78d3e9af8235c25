"""F15: deleting a contact neither fails nor orphans; an erased person leaves no personal data."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

_HISTORY = """
    INSERT INTO intake.sources (source_id, name) VALUES (7, 'test');
    INSERT INTO intake.uploads (upload_id, source_id, content_hash, mapping_hash, default_region,
                                state, file_name, file_uri, size_bytes)
         VALUES (7, 7, 'a', 'b', 'US', 'received', 'a.csv', 'file:///a.csv', 1);
    INSERT INTO intake.batches (batch_id, upload_id, source_id, batch_number, partition_key,
                                state, row_count)
         VALUES (7, 7, 7, 1, 'key', 'created', 1);
    INSERT INTO intake.subjects (subject_id, kind, value, value_hmac)
         VALUES (7, 'phone', '+14155550100', 'hmac');
    INSERT INTO intake.contacts (contact_id, source_id, first_batch_id, first_row_number,
                                 contact_hash, phone_subject_id, raw_phone, name, email)
         VALUES (7, 7, 7, 1, 'hash', 7, '415 555 0100', 'Ada Example', 'ada@example.org');
    INSERT INTO intake.repeated_rows (batch_id, row_number, contact_id) VALUES (7, 2, 7);
    INSERT INTO ledger.plans (plan_id, state, kind, scope, estimate, price_list_version)
         VALUES (7, 'waiting_approval', 'bench', '{}', '{}', 'v1');
    INSERT INTO ledger.runs (run_id, kind, plan_id, step) VALUES (7, 'bench', 7, 'test');
    INSERT INTO ops.workers (worker_id, host, pid) VALUES (7, 'here', 1);
    INSERT INTO ledger.claims (claim_id, provider, operation, subject_id, params_hash, epoch,
                               state, plan_id, run_id, budget_day, worker_id, reserved_micros,
                               claimed_at, deadline_at)
         VALUES (7, 'p', 'o', 7, 'k', 0, 'claimed', 7, 7, current_date, 7, 0, now(), now());
    INSERT INTO ops.audit (actor, action, object) VALUES ('me', 'erase', 'subject 7');
"""


@pytest.fixture
def history(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """One contact whose number was asked about."""
    conn.execute(_HISTORY)
    return conn


def _count(conn: psycopg.Connection[Any], table: str) -> int:
    row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def test_f15_deleting_a_contact_takes_its_rows_and_nothing_else(
    history: psycopg.Connection[Any],
) -> None:
    history.execute("DELETE FROM intake.contacts WHERE contact_id = 7")
    assert _count(history, "intake.upload_contacts") == 0
    kept = ("intake.subjects", "intake.uploads", "ledger.claims", "ops.audit")
    assert [_count(history, table) for table in kept] == [1, 1, 1, 1]


def test_f15_a_subject_is_erased_not_deleted(history: psycopg.Connection[Any]) -> None:
    history.execute("DELETE FROM intake.contacts WHERE contact_id = 7")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        history.execute("DELETE FROM intake.subjects WHERE subject_id = 7")
    history.execute(
        "UPDATE intake.subjects SET value = NULL, erased_at = now() WHERE subject_id = 7"
    )
    everything = history.execute(
        "SELECT to_jsonb(s)::text || to_jsonb(c)::text || to_jsonb(a)::text "
        "FROM intake.subjects s, ledger.claims c, ops.audit a"
    ).fetchone()
    assert everything is not None
    assert "4155550100" not in everything[0]


def test_f15_erased_means_without_a_value_and_the_hash_still_decides(
    history: psycopg.Connection[Any],
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="subjects_erased_check"):
        history.execute("UPDATE intake.subjects SET value = NULL WHERE subject_id = 7")
    with pytest.raises(psycopg.errors.CheckViolation, match="subjects_erased_check"):
        history.execute("UPDATE intake.subjects SET erased_at = now() WHERE subject_id = 7")
    history.execute(
        "UPDATE intake.subjects SET value = NULL, erased_at = now() WHERE subject_id = 7"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        history.execute(
            "INSERT INTO intake.subjects (kind, value, value_hmac) "
            "VALUES ('phone', '+14155550100', 'hmac')"
        )
