"""F15: what stands in for a foreign key refuses what a foreign key would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.storage.references import REFERENCES

_PARENTS = """
    INSERT INTO intake.sources (source_id, name) VALUES (1, 'one'), (2, 'two');
    INSERT INTO intake.uploads (upload_id, source_id, content_hash, mapping_hash, default_region,
                                state, file_name, file_uri, size_bytes)
         VALUES (1, 1, 'a', 'b', 'US', 'received', 'a.csv', 'file:///a.csv', 1);
    INSERT INTO intake.batches (batch_id, upload_id, source_id, batch_number, partition_key,
                                state, row_count)
         VALUES (1, 1, 1, 1, 'key', 'created', 1);
    INSERT INTO intake.subjects (subject_id, kind, value, value_hmac)
         VALUES (1, 'phone', '+14155550100', 'hmac');
    INSERT INTO matching.golden_ids (golden_id) VALUES (1);
"""
_INSERT = (
    "INSERT INTO intake.contacts (source_id, first_batch_id, first_row_number, contact_hash,"
    " phone_subject_id) SELECT %s, %s, n, ('hash' || n)::bytea, %s FROM generate_series(1, 3) n"
)
_BATCH, _SUBJECT = "contacts_first_batch_id_exists", "contacts_phone_subject_id_exists"


@pytest.fixture
def parents(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    conn.execute(_PARENTS)
    return conn


@contextmanager
def refused(rule: str) -> Iterator[None]:
    with pytest.raises(psycopg.errors.ForeignKeyViolation) as caught:
        yield
    assert caught.value.diag.constraint_name == rule


def _contacts(conn: psycopg.Connection[Any]) -> list[Any]:
    return conn.execute(
        "SELECT source_id, first_batch_id, phone_subject_id FROM intake.contacts"
    ).fetchall()


def test_f15_rows_whose_parents_exist_pass(parents: psycopg.Connection[Any]) -> None:
    parents.execute(_INSERT, (1, 1, 1))
    parents.execute("UPDATE intake.contacts SET phone_subject_id = 1, first_batch_id = 1")
    assert len(_contacts(parents)) == 3


@pytest.mark.parametrize(
    "source, batch, subject, rule",
    [
        (1, 9, 1, _BATCH),
        (2, 1, 1, _BATCH),
        (1, 1, 9, _SUBJECT),
    ],
    ids=["no such batch", "batch of another source", "no such subject"],
)
def test_f15_a_contact_without_its_parent_is_refused(
    parents: psycopg.Connection[Any], source: int, batch: int, subject: int, rule: str
) -> None:
    with refused(rule):
        parents.execute(_INSERT, (source, batch, subject))
    assert _contacts(parents) == []


@pytest.mark.parametrize(
    "change, rule",
    [
        ("first_batch_id = 9", _BATCH),
        ("source_id = 2", _BATCH),
        ("phone_subject_id = 9", _SUBJECT),
    ],
)
def test_f15_a_contact_cannot_lose_its_parent(
    parents: psycopg.Connection[Any], change: str, rule: str
) -> None:
    parents.execute(_INSERT, (1, 1, 1))
    with refused(rule):
        parents.execute(f"UPDATE intake.contacts SET {change} WHERE first_row_number = 2")
    assert _contacts(parents) == [(1, 1, 1)] * 3


def test_f15_one_orphan_among_copied_rows_refuses_them_all(
    parents: psycopg.Connection[Any],
) -> None:
    copy = (
        "COPY intake.contacts (source_id, first_batch_id, first_row_number, contact_hash,"
        " phone_subject_id) FROM STDIN"
    )
    with refused(_SUBJECT), parents.cursor().copy(copy) as rows:
        for number, subject in enumerate((1, 1, 2, 1), start=1):
            rows.write_row((1, 1, number, f"hash{number}", subject))
    assert _contacts(parents) == []


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: str(reference.name))
def test_f15_parents_stay(superuser_dsn: str, reference: Any) -> None:
    """The check of a statement cannot see a parent going away at the same moment."""
    with psycopg.connect(superuser_dsn, autocommit=True) as root:
        root.execute(_PARENTS.encode())
        for column in reference.key:
            with refused(f"{reference.parent.split('.')[1]}_key_stays"):
                root.execute(f"UPDATE {reference.parent} SET {column} = {column} + 1")
        for statement in (
            f"DELETE FROM {reference.parent}",
            f"TRUNCATE {reference.parent} CASCADE",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never deleted"):
                root.execute(statement)


def test_f15_a_golden_contact_without_its_parents_is_refused(
    parents: psycopg.Connection[Any],
) -> None:
    insert = (
        "INSERT INTO matching.golden_contacts (golden_id, kind, phone_subject_id,"
        " phone_subject_ids, emails, last_seen_on, contact_count, compared_values,"
        " differing_values) VALUES (%s, 'person', %s, '{1}', '{}', now(), 1, 0, 0)"
    )
    with refused("golden_contacts_golden_id_exists"):
        parents.execute(insert, (2, 1))
    with refused("golden_contacts_phone_subject_id_exists"):
        parents.execute(insert, (1, 2))
    parents.execute(insert, (1, 1))
