"""Deleting an upload: its people go, the money spent on them stays.

Belongs here: what goes with an upload, counted and in sets. Does not: erasing one person, purging
what is past its retention, the files on disk (`commands.deletion`).

Contacts that another upload also has move there. A number nobody has any more loses its value and
its answers; its keyed hash and its claims stay, so that it is not bought twice when it comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString

import orjson
import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.intake.loader import lock_intake

Connection = psycopg.Connection[Any]

_UPLOAD = "SELECT state FROM intake.uploads WHERE upload_id = %(upload)s FOR UPDATE"
_LOADING = "SELECT min(upload_id) FROM intake.uploads WHERE state = 'loading'"
_FILES = """
    SELECT file_uri FROM intake.uploads WHERE upload_id = %(upload)s
     UNION SELECT file_uri FROM ops.exports WHERE upload_id = %(upload)s
"""
_BATCHES = "SELECT partition_key FROM intake.batches WHERE upload_id = %(upload)s ORDER BY batch_id"
_OLD = """
    SELECT upload_id FROM intake.uploads
     WHERE state IN ('loaded', 'refused') AND received_at < now() - %s ORDER BY upload_id
"""
_GOING = """
    CREATE TEMP TABLE going ON COMMIT DROP AS
    SELECT contact_id, phone_subject_id FROM intake.contacts
     WHERE first_batch_id IN (SELECT batch_id FROM intake.batches WHERE upload_id = %(upload)s)
"""
# Where else a contact came from, the earliest first: that becomes its origin.
_MOVING = """
    CREATE TEMP TABLE moving ON COMMIT DROP AS
    SELECT DISTINCT ON (contact_id) contact_id, r.batch_id, r.row_number
      FROM intake.repeated_rows r JOIN going USING (contact_id)
     ORDER BY contact_id, r.batch_id, r.row_number
"""
_ALONE = """
    CREATE TEMP TABLE alone ON COMMIT DROP AS
    SELECT DISTINCT phone_subject_id AS subject_id FROM going g
     WHERE NOT EXISTS (SELECT FROM intake.contacts c
                        WHERE c.phone_subject_id = g.phone_subject_id)
"""
_UNDER_WAY = """
    SELECT count(*) FROM ledger.claims JOIN alone USING (subject_id)
     WHERE state IN ('claimed', 'accepted')
"""
_Step = tuple[str, LiteralString]
_ROWS: tuple[_Step, ...] = (
    (
        "repeated_rows",
        "DELETE FROM intake.repeated_rows WHERE batch_id IN"
        " (SELECT batch_id FROM intake.batches WHERE upload_id = %(upload)s)",
    ),
    ("rejects", "DELETE FROM intake.rejects WHERE upload_id = %(upload)s"),
)
# By the set: cascading from each contact would start every trigger once per contact.
_MATCHING: tuple[_Step, ...] = tuple(
    (
        name,
        f"DELETE FROM matching.{table} USING going g WHERE {table}.contact_id = g.contact_id"
        " AND NOT EXISTS (SELECT FROM moving m WHERE m.contact_id = g.contact_id)",
    )
    for name, table in (("match_records", "records"), ("", "memberships"))
)
_CONTACTS: tuple[_Step, ...] = (
    (
        "",
        "DELETE FROM intake.repeated_rows r USING moving m"
        " WHERE r.batch_id = m.batch_id AND r.row_number = m.row_number",
    ),
    (
        "contacts_kept",
        "UPDATE intake.contacts c SET first_batch_id = m.batch_id,"
        " first_row_number = m.row_number FROM moving m WHERE c.contact_id = m.contact_id",
    ),
    (
        "contacts",
        "DELETE FROM intake.contacts c USING going g WHERE c.contact_id = g.contact_id"
        " AND NOT EXISTS (SELECT FROM moving m WHERE m.contact_id = g.contact_id)",
    ),
)
_SUBJECTS: tuple[_Step, ...] = (
    (
        "phone_lookups",
        "DELETE FROM enrichment.phone_lookups l USING alone a WHERE l.subject_id = a.subject_id",
    ),
    (
        "bodies",
        "DELETE FROM ledger.bodies b USING ledger.claims c, alone a"
        " WHERE b.claim_id = c.claim_id AND c.subject_id = a.subject_id",
    ),
    (
        "subjects_erased",
        "UPDATE intake.subjects s SET value = NULL, erased_at = now() FROM alone a"
        " WHERE s.subject_id = a.subject_id AND s.erased_at IS NULL",
    ),
)
_CLOSING: tuple[_Step, ...] = (
    (
        "plans_cancelled",
        "UPDATE ledger.plans SET state = 'cancelled' WHERE upload_id = %(upload)s"
        " AND state IN ('waiting_approval', 'approved')",
    ),
    # Hash and key are freed: the same file may come again, on the same day too.
    (
        "",
        "UPDATE intake.batches SET row_count = 0,"
        " partition_key = 'deleted-' || upload_id || '-' || batch_number"
        " WHERE upload_id = %(upload)s",
    ),
    (
        "",
        "UPDATE intake.uploads SET state = 'deleted', file_name = 'deleted', file_uri = '',"
        " content_hash = convert_to('deleted ' || upload_id, 'UTF8'), mapping = NULL,"
        " row_count = 0, contact_count = 0, new_contact_count = 0, reject_count = 0,"
        " refusal_code = NULL, refusal_message = NULL WHERE upload_id = %(upload)s",
    ),
)
_AUDIT = """
    INSERT INTO ops.audit (actor, action, object, detail)
    VALUES (%(actor)s, 'upload.delete', 'upload ' || %(upload)s, %(counts)s::jsonb)
"""
_DIRTY = "INSERT INTO ops.mart_dirty (reason) VALUES ('upload deleted')"
_ANALYZE: tuple[LiteralString, ...] = ("ANALYZE going", "ANALYZE moving", "ANALYZE alone")


@dataclass(frozen=True, slots=True)
class Deletion:
    """What went, or would go, with an upload.

    `counts` are rows by what they are; `files` the file that was taken in and those exported from
    it; `partitions` the keys its batches had in Dagster.
    """

    upload_id: int
    counts: Mapping[str, int]
    files: tuple[str, ...]
    partitions: tuple[str, ...]


def old_uploads(conn: Connection, days: int) -> list[int]:
    """Uploads received more than so many days ago that are not deleted yet."""
    if days < 0:
        raise InputError("Days are counted from 0.", fix="Write --older-than 365.")
    return [row[0] for row in conn.execute(_OLD, (timedelta(days=days),)).fetchall()]


def delete_upload(conn: Connection, upload_id: int, *, actor: str, rehearse: bool) -> Deletion:
    """Delete all of an upload in one transaction; a rehearsal counts the same and takes it back.

    Raises `InputError` where the upload is unknown, deleted, or being loaded or asked about.
    """
    values = {"upload": upload_id, "actor": actor}
    with conn.transaction() as transaction:
        lock_intake(conn)
        _refuse_unfit(conn, values)
        files = tuple(row[0] for row in conn.execute(_FILES, values).fetchall() if row[0])
        keys = tuple(row[0] for row in conn.execute(_BATCHES, values).fetchall())
        counts = _delete(conn, values)
        conn.execute(_AUDIT, {**values, "counts": orjson.dumps(counts).decode()})
        conn.execute(_DIRTY)
        if rehearse:
            raise psycopg.Rollback(transaction)
    return Deletion(upload_id, counts, files, keys)


def _refuse_unfit(conn: Connection, values: Mapping[str, Any]) -> None:
    found = conn.execute(_UPLOAD, values).fetchone()
    if found is None or found[0] == "deleted":
        why = "There is no" if found is None else "Deleted already:"
        raise InputError(f"{why} upload {values['upload']}.", fix="See bulk-lookup status.")
    # A load that has its subjects and not yet its contacts would see them erased.
    loading = conn.execute(_LOADING).fetchone()
    if loading and loading[0] is not None:
        raise InputError(
            f"Upload {loading[0]} is being loaded.",
            fix="Wait until it is loaded; if its load was killed, upload the file again first.",
        )


def _delete(conn: Connection, values: Mapping[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    conn.execute(_GOING, values)
    _take(conn, _ROWS, values, counts)
    conn.execute(_MOVING)
    _take(conn, _MATCHING, values, counts)
    _take(conn, _CONTACTS, values, counts)
    conn.execute(_ALONE)
    for statement in _ANALYZE:
        conn.execute(statement)
    under_way = conn.execute(_UNDER_WAY).fetchone()
    if under_way and under_way[0]:
        raise InputError(
            f"{under_way[0]:,} questions about upload {values['upload']} are under way.",
            fix="Let the run end, or run bulk-lookup run once more if it was killed.",
        )
    _take(conn, _SUBJECTS, values, counts)
    _take(conn, _CLOSING, values, counts)
    return counts


def _take(
    conn: Connection, steps: tuple[_Step, ...], values: Mapping[str, Any], counts: dict[str, int]
) -> None:
    for name, statement in steps:
        done = conn.execute(statement, values).rowcount
        if name:
            counts[name] = done
