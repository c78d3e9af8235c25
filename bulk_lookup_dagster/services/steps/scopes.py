"""The parts of the data a step can run over, and the subjects in them.

Belongs here: scopes and their SQL. Does not: what is asked of the subjects (`definition`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.engine.step import Scope

_ROWS = {
    "batch": "r.batch_id = %(batch_id)s",
    "upload": "r.upload_id = %(upload_id)s",
    "uploads": "r.upload_id = ANY (%(upload_ids)s)",
}
_NAMED = "subjects"


def batch_scope(batch_id: int) -> Scope:
    """One batch of an upload."""
    return Scope("batch", {"batch_id": batch_id})


def upload_scope(upload_id: int) -> Scope:
    """A whole upload."""
    return Scope("upload", {"upload_id": upload_id})


def uploads_scope(upload_ids: Sequence[int]) -> Scope:
    """Several uploads."""
    return Scope("uploads", {"upload_ids": list(upload_ids)})


def subjects_scope(subject_ids: Sequence[int]) -> Scope:
    """Subjects by id: for what no upload leads to, such as a zip code or a day."""
    return Scope(_NAMED, {"subject_ids": list(subject_ids)})


def contacts_sql(scope_kind: str) -> str:
    """A SELECT of the scope's `contact_id`s, each once."""
    return (
        "SELECT DISTINCT r.contact_id FROM intake.upload_contacts r WHERE "
        f"{_condition(scope_kind)}"  # nosec: one of three constants
    )


def subjects_sql(scope_kind: str, subject_kind: str, eligible: str | None) -> str:
    """A SELECT of the scope's `subject_id`s of a kind, each once.

    `eligible` may speak of the subject as `s` and, but for scopes of named subjects, of the
    contact as `c`.
    """
    if scope_kind == _NAMED:
        named = (
            "SELECT s.subject_id FROM intake.subjects s WHERE s.subject_id = ANY (%(subject_ids)s)"
        )
        return f"{named} AND ({eligible})" if eligible else named
    if subject_kind == "phone":
        subject, link = "c.phone_subject_id", ""
    else:
        subject = "l.subject_id"
        link = (
            " JOIN intake.contact_subjects l ON l.contact_id = c.contact_id"
            f" AND l.kind = '{subject_kind}'"
        )
    looked_at = f" JOIN intake.subjects s ON s.subject_id = {subject}" if eligible else ""
    return (
        f"SELECT DISTINCT {subject} AS subject_id"
        f" FROM intake.upload_contacts r JOIN intake.contacts c USING (contact_id){link}{looked_at}"
        f" WHERE {_condition(scope_kind)}" + (f" AND ({eligible})" if eligible else "")
    )


def count_rows(conn: psycopg.Connection[Any], scope: Scope) -> int:
    """How many contacts a scope has, or subjects where it names them."""
    if scope.kind == _NAMED:
        return len(scope.parameters["subject_ids"])
    query = f"SELECT count(*) FROM ({contacts_sql(scope.kind)}) c"
    return int(conn.execute(query.encode(), scope.parameters).fetchall()[0][0])


def _condition(scope_kind: str) -> str:
    try:
        return _ROWS[scope_kind]
    except KeyError:
        raise InputError(f"There is no scope {scope_kind!r} of contacts.") from None
