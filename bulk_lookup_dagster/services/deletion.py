"""Deleting uploads: their people go, the money spent on them stays.

Belongs here: what goes with uploads, counted and in sets. Does not: erasing one person, purging
what is past its retention, the files on disk (`commands.deletion`).

Contacts that an upload which stays also has move there. A number nobody has any more, and a
company, e-mail or address no contact leads to, loses its value and its answers; its keyed hash
and its claims stay, so that it is not bought twice when it comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString

import orjson
import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.intake.loader import lock_intake
from bulk_lookup_dagster.services.steps import STEPS

Connection = psycopg.Connection[Any]

_UPLOADS = """
    SELECT upload_id, state FROM intake.uploads WHERE upload_id = ANY (%(uploads)s)
     ORDER BY upload_id FOR UPDATE
"""
_LOADING = "SELECT min(upload_id) FROM intake.uploads WHERE state = 'loading'"
# An export over all uploads may hold anybody who was there when it was made.
_FILES = """
    SELECT file_uri FROM intake.uploads WHERE upload_id = ANY (%(uploads)s)
     UNION SELECT file_uri FROM ops.exports
            WHERE removed_at IS NULL AND (upload_id = ANY (%(uploads)s)
               OR upload_id IS NULL AND exported_at >= (
                   SELECT min(received_at) FROM intake.uploads
                    WHERE upload_id = ANY (%(uploads)s)))
     ORDER BY 1
"""
_BATCHES = """
    SELECT partition_key FROM intake.batches WHERE upload_id = ANY (%(uploads)s) ORDER BY batch_id
"""
_OLD = """
    SELECT upload_id FROM intake.uploads
     WHERE state IN ('loaded', 'refused') AND received_at < now() - %s ORDER BY upload_id
"""
_GOING = """
    CREATE TEMP TABLE going ON COMMIT DROP AS
    SELECT contact_id, phone_subject_id FROM intake.contacts
     WHERE first_batch_id IN (SELECT batch_id FROM intake.batches
                               WHERE upload_id = ANY (%(uploads)s))
"""
# Where else a contact came from, the earliest first: that becomes its origin.
_MOVING = """
    CREATE TEMP TABLE moving ON COMMIT DROP AS
    SELECT DISTINCT ON (contact_id) contact_id, r.batch_id, r.row_number
      FROM intake.repeated_rows r JOIN going USING (contact_id)
     ORDER BY contact_id, r.batch_id, r.row_number
"""
# What contacts lead to goes with their rows: noted before.
_LED = """
    CREATE TEMP TABLE led ON COMMIT DROP AS
    SELECT DISTINCT l.subject_id FROM going g JOIN intake.contact_subjects l USING (contact_id)
"""
_ALONE = """
    CREATE TEMP TABLE alone ON COMMIT DROP AS
    SELECT DISTINCT phone_subject_id AS subject_id FROM going g
     WHERE NOT EXISTS (SELECT FROM intake.contacts c
                        WHERE c.phone_subject_id = g.phone_subject_id)
     UNION
    SELECT subject_id FROM led
     WHERE NOT EXISTS (SELECT FROM intake.contact_subjects l WHERE l.subject_id = led.subject_id)
"""
_UNDER_WAY = """
    SELECT count(*) FROM ledger.claims JOIN alone USING (subject_id)
     WHERE state IN ('claimed', 'accepted')
"""
_Step = tuple[str, str]
_ROWS: tuple[_Step, ...] = (
    (
        "repeated_rows",
        "DELETE FROM intake.repeated_rows WHERE batch_id IN"
        " (SELECT batch_id FROM intake.batches WHERE upload_id = ANY (%(uploads)s))",
    ),
    ("rejects", "DELETE FROM intake.rejects WHERE upload_id = ANY (%(uploads)s)"),
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
_ANSWERS: tuple[_Step, ...] = tuple(
    (
        step.name,
        f"DELETE FROM {step.table} l USING alone a WHERE l.subject_id = a.subject_id",
    )
    for step in STEPS
)
_SUBJECTS: tuple[_Step, ...] = (
    *_ANSWERS,
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
        "UPDATE ledger.plans SET state = 'cancelled' WHERE upload_id = ANY (%(uploads)s)"
        " AND state IN ('waiting_approval', 'approved')",
    ),
    # Hash and key are freed: the same file may come again, on the same day too.
    (
        "",
        "UPDATE intake.batches SET row_count = 0,"
        " partition_key = 'deleted-' || upload_id || '-' || batch_number"
        " WHERE upload_id = ANY (%(uploads)s)",
    ),
    (
        "",
        "UPDATE intake.uploads SET state = 'deleted', file_name = 'deleted', file_uri = '',"
        " content_hash = convert_to('deleted ' || upload_id, 'UTF8'), mapping = NULL,"
        " row_count = 0, contact_count = 0, new_contact_count = 0, reject_count = 0,"
        " refusal_code = NULL, refusal_message = NULL WHERE upload_id = ANY (%(uploads)s)",
    ),
)
_AUDIT = """
    INSERT INTO ops.audit (actor, action, object, detail)
    SELECT %(actor)s, 'upload.delete', 'upload ' || upload_id, %(counts)s::jsonb
      FROM unnest(%(uploads)s) upload_id
"""
_FILE_GONE = """
    UPDATE ops.exports SET removed_at = now() WHERE file_uri = ANY (%s) AND removed_at IS NULL
"""
_DIRTY = "INSERT INTO ops.mart_dirty (reason) VALUES ('upload deleted')"
_ANALYZE: tuple[LiteralString, ...] = ("ANALYZE going", "ANALYZE moving", "ANALYZE alone")


@dataclass(frozen=True, slots=True)
class Deletion:
    """What went, or would go, with uploads.

    `counts` are rows by what they are, all uploads together; `files` those taken in and those
    exported from them; `partitions` the keys their batches had in Dagster.
    """

    upload_ids: tuple[int, ...]
    counts: Mapping[str, int]
    files: tuple[str, ...]
    partitions: tuple[str, ...]


def old_uploads(conn: Connection, days: int) -> list[int]:
    """Uploads received more than so many days ago that are not deleted yet."""
    if days < 0:
        raise InputError("Days are counted from 0.", fix="Write --older-than 365.")
    return [row[0] for row in conn.execute(_OLD, (timedelta(days=days),)).fetchall()]


def delete_uploads(
    conn: Connection, upload_ids: Sequence[int], *, actor: str, rehearse: bool
) -> Deletion:
    """Delete all of these uploads in one transaction; a rehearsal counts the same, undone.

    Raises `InputError` where one of them is unknown, deleted, or being loaded or asked about.
    """
    chosen = sorted(set(upload_ids))
    values = {"uploads": chosen, "actor": actor}
    with conn.transaction() as transaction:
        lock_intake(conn)
        _refuse_unfit(conn, values)
        files = tuple(row[0] for row in conn.execute(_FILES, values).fetchall() if row[0])
        keys = tuple(row[0] for row in conn.execute(_BATCHES, values).fetchall())
        counts = _delete(conn, values)
        detail = {**counts, "uploads_together": len(chosen)}
        conn.execute(_AUDIT, {**values, "counts": orjson.dumps(detail).decode()})
        conn.execute(_DIRTY)
        if rehearse:
            raise psycopg.Rollback(transaction)
    return Deletion(tuple(chosen), counts, files, keys)


def note_files_gone(conn: Connection, uris: Sequence[str]) -> None:
    """Say in the log of exports that these files are no more."""
    conn.execute(_FILE_GONE, (list(uris),))


def _refuse_unfit(conn: Connection, values: Mapping[str, Any]) -> None:
    found = dict(conn.execute(_UPLOADS, values).fetchall())
    for upload_id in values["uploads"]:
        if found.get(upload_id, "deleted") == "deleted":
            why = "Deleted already:" if upload_id in found else "There is no"
            raise InputError(f"{why} upload {upload_id}.", fix="See bulk-lookup status.")
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
    conn.execute(_LED)
    _take(conn, _MATCHING, values, counts)
    _take(conn, _CONTACTS, values, counts)
    conn.execute(_ALONE)
    for statement in _ANALYZE:
        conn.execute(statement)
    under_way = conn.execute(_UNDER_WAY).fetchone()
    if under_way and under_way[0]:
        raise InputError(
            f"{under_way[0]:,} questions about {_named(values['uploads'])} are under way.",
            fix="Let the run end, or run bulk-lookup run once more if it was killed.",
        )
    _take(conn, _SUBJECTS, values, counts)
    _take(conn, _CLOSING, values, counts)
    return counts


def _named(upload_ids: Sequence[int]) -> str:
    return f"upload {upload_ids[0]}" if len(upload_ids) == 1 else f"{len(upload_ids)} uploads"


def _take(
    conn: Connection, steps: tuple[_Step, ...], values: Mapping[str, Any], counts: dict[str, int]
) -> None:
    for name, statement in steps:
        done = conn.execute(statement.encode(), values).rowcount
        if name:
            counts[name] = done
