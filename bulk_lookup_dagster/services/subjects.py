"""Deriving subjects: from contacts and answers to what further questions are about.

Set-based, in pages, repeatable: what is known already stays as it is, what was erased stays erased.

Belongs here: the statements. Does not: what leads to what (`services.derivations`), canonical
forms (`core.subjects`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.privacy import subject_hmac
from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.services.derivations import Derivation, Source
from bulk_lookup_dagster.services.steps.scopes import contacts_sql

Connection = psycopg.Connection[Any]

PAGE = 5_000

_CREATE = """
    CREATE TEMP TABLE IF NOT EXISTS deriving (
        contact_id bigint NOT NULL, origin_claim_id bigint, value text NOT NULL,
        value_hmac bytea NOT NULL
    ) ON COMMIT DELETE ROWS
"""
_COPY = "COPY deriving (contact_id, origin_claim_id, value, value_hmac) FROM STDIN"
# In the order of the key, so that two processes only ever wait for each other.
_SUBJECTS = """
    INSERT INTO intake.subjects (kind, value, value_hmac)
    SELECT DISTINCT ON (d.value_hmac) %(kind)s::varchar, d.value, d.value_hmac
      FROM deriving d
     WHERE NOT EXISTS (SELECT FROM intake.subjects s WHERE s.value_hmac = d.value_hmac)
     ORDER BY d.value_hmac
    ON CONFLICT (value_hmac) DO NOTHING
"""
_LINKS = """
    INSERT INTO intake.contact_subjects (contact_id, kind, subject_id, role, origin_claim_id)
    SELECT DISTINCT ON (d.contact_id, s.subject_id)
           d.contact_id, %(kind)s::varchar, s.subject_id, %(role)s::varchar, d.origin_claim_id
      FROM deriving d JOIN intake.subjects s USING (value_hmac)
     WHERE s.erased_at IS NULL
       AND NOT EXISTS (SELECT FROM intake.contact_subjects l
                        WHERE l.contact_id = d.contact_id AND l.kind = %(kind)s::varchar
                          AND l.role = %(role)s::varchar AND l.subject_id = s.subject_id)
     ORDER BY d.contact_id, s.subject_id, d.origin_claim_id
    ON CONFLICT DO NOTHING
"""


@dataclass(slots=True)
class Derived:
    """What a derivation found: rows read, new subjects, new links, and rows that were too long."""

    rows: int = 0
    subjects: int = 0
    links: int = 0
    refused: int = 0


def derive(conn: Connection, secret_key: bytes, derivation: Derivation, scope: Scope) -> Derived:
    """Find the scope's subjects of a kind; every source commits by itself."""
    report = Derived()
    for source in derivation.sources:
        with conn.transaction():
            conn.execute(_CREATE)
            for page in _pages(conn, source, scope):
                _store(conn, secret_key, derivation.kind, source, page, report)
    return report


def _pages(conn: Connection, source: Source, scope: Scope) -> Iterator[list[tuple[Any, ...]]]:
    query = f"WITH scoped AS ({contacts_sql(scope.kind)}) {source.sql}"
    with conn.cursor(name="derived") as cursor:
        cursor.execute(query.encode(), scope.parameters)
        while page := cursor.fetchmany(PAGE):
            yield page


def _store(
    conn: Connection,
    secret_key: bytes,
    kind: str,
    source: Source,
    page: list[tuple[Any, ...]],
    report: Derived,
) -> None:
    report.rows += len(page)
    with conn.cursor() as cursor:
        cursor.execute("TRUNCATE deriving")
        with cursor.copy(_COPY) as copy:
            for contact_id, claim_id, *parts in page:
                try:
                    value = source.key(*parts)
                    if value is None:
                        continue
                except InputError:  # longer than a subject may be: counted, never cut
                    report.refused += 1
                    continue
                copy.write_row((contact_id, claim_id, value, subject_hmac(secret_key, kind, value)))
        report.subjects += cursor.execute(_SUBJECTS, {"kind": kind}).rowcount
        report.links += cursor.execute(_LINKS, {"kind": kind, "role": source.role}).rowcount
