"""The rows that describe uploads: received, refused, loading, loaded.

Belongs here: the SQL around an upload. Does not: its contacts (`intake.loader`), remembered
mappings (`intake.mappings`), the order of events (`services.uploads`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from bulk_lookup_dagster.core.errors import StorageError, UploadRefused
from bulk_lookup_dagster.intake.columns import ColumnMap
from bulk_lookup_dagster.intake.formats import FileFacts, FileHash

_UPLOAD_LOCK = 7313
_PARTITION_PREFIX = """
    to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') || '-' || left(encode(sha256(
        content_hash || mapping_hash || (default_region || source_id)::bytea), 'hex'), 8)
"""


@dataclass(frozen=True)
class Receipt:
    """What is known of a file before anybody looks inside."""

    path: Path
    uri: str
    hashed: FileHash
    source: str
    region: str
    uploaded_by: str
    batch_rows: int


@dataclass(frozen=True)
class UploadRow:
    """An upload as stored."""

    upload_id: int
    source_id: int
    state: str
    batch_rows: int
    key_prefix: str
    row_count: int
    contact_count: int
    new_contact_count: int
    reject_count: int


@dataclass(frozen=True)
class BatchRef:
    """A batch and the name of its partition."""

    batch_id: int
    partition_key: str


@dataclass(frozen=True)
class Reject:
    """A refused row: its number as a spreadsheet counts, why, and the original text."""

    row_number: int
    reason: str
    detail: str
    original: str


_INSERT = """
INSERT INTO intake.uploads (source_id, content_hash, mapping_hash, default_region, state, file_name,
       file_uri, size_bytes, encoding, delimiter, mapping, uploaded_by, batch_rows,
       refusal_code, refusal_message)
VALUES (%(source_id)s, %(content_hash)s, %(mapping_hash)s, %(region)s, %(state)s, %(file_name)s,
       %(file_uri)s, %(size)s, %(encoding)s, %(delimiter)s, %(mapping)s, %(uploaded_by)s,
       %(batch_rows)s, %(code)s, %(message)s)
ON CONFLICT (content_hash, mapping_hash, default_region, source_id) DO UPDATE
   SET state = CASE uploads.state WHEN 'refused' THEN EXCLUDED.state ELSE uploads.state END,
       refusal_code = CASE uploads.state WHEN 'refused' THEN EXCLUDED.refusal_code END,
       refusal_message = CASE uploads.state WHEN 'refused' THEN EXCLUDED.refusal_message END
RETURNING upload_id
"""


_START: tuple[LiteralString, ...] = (
    "UPDATE intake.uploads SET state = 'loading' WHERE upload_id = %s",
    "DELETE FROM intake.rejects WHERE upload_id = %s",
    "DELETE FROM intake.repeated_rows r USING intake.batches b"
    " WHERE b.batch_id = r.batch_id AND b.upload_id = %s",
    "DELETE FROM intake.contacts c USING intake.batches b"
    " WHERE b.batch_id = c.first_batch_id AND b.upload_id = %s AND NOT EXISTS"
    " (SELECT FROM intake.repeated_rows r WHERE r.contact_id = c.contact_id)",
    "UPDATE intake.batches SET row_count = 0 WHERE upload_id = %s AND row_count <> 0",
)


def receive(
    conn: psycopg.Connection[Any],
    receipt: Receipt,
    facts: FileFacts,
    delimiter: str,
    columns: ColumnMap,
) -> UploadRow:
    """The upload of this file under this mapping: the one that is there, or a new one."""
    values = {
        **_values(conn, receipt),
        "mapping_hash": columns.digest(),
        "state": "received",
        "encoding": facts.encoding,
        "delimiter": delimiter if facts.kind == "text" else None,
        "mapping": Jsonb(columns.document()),
        "code": None,
        "message": None,
    }
    row = conn.execute(_INSERT, values).fetchone()
    assert row is not None
    return read(conn, row[0])


def refuse(conn: psycopg.Connection[Any], receipt: Receipt, refusal: UploadRefused) -> None:
    """Keep that a file was refused, and why; an upload that had begun to load is refused too."""
    refused = "state = 'refused', refusal_code = %(code)s, refusal_message = %(message)s"
    values = {
        **_values(conn, receipt),
        "mapping_hash": b"",
        "state": "refused",
        "encoding": None,
        "delimiter": None,
        "mapping": None,
        "code": refusal.code,
        "message": str(refusal)[:1000],
    }
    with conn.transaction():
        begun = conn.execute(
            f"UPDATE intake.uploads SET {refused} WHERE content_hash = %(content_hash)s"
            " AND source_id = %(source_id)s AND default_region = %(region)s"
            " AND state IN ('received', 'loading')",
            values,
        )
        if begun.rowcount == 0:
            conn.execute(_INSERT, values)


def read(conn: psycopg.Connection[Any], upload_id: int) -> UploadRow:
    """An upload by its id."""
    with conn.cursor(row_factory=class_row(UploadRow)) as cursor:
        row = cursor.execute(
            f"""
            SELECT upload_id, source_id, state, batch_rows,
                   {_PARTITION_PREFIX} AS key_prefix,
                   coalesce(row_count, 0) AS row_count,
                   coalesce(contact_count, 0) AS contact_count,
                   coalesce(new_contact_count, 0) AS new_contact_count,
                   coalesce(reject_count, 0) AS reject_count
              FROM intake.uploads WHERE upload_id = %s
            """,
            [upload_id],
        ).fetchone()
    if row is None:
        raise StorageError(f"There is no upload {upload_id}.", fix="See `bulk-lookup status`.")
    return row


@contextmanager
def locked(conn: psycopg.Connection[Any], upload_id: int) -> Iterator[None]:
    """One loader per upload at a time; the lock goes with its session."""
    conn.execute("SELECT pg_advisory_lock(%s, %s)", [_UPLOAD_LOCK, upload_id % 2**31])
    try:
        yield
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s, %s)", [_UPLOAD_LOCK, upload_id % 2**31])


def start_loading(conn: psycopg.Connection[Any], upload_id: int) -> None:
    """Mark the load as begun; what an interrupted one left behind goes, unless others use it."""
    with conn.transaction():
        for statement in _START:
            conn.execute(statement, [upload_id])


def finish(
    conn: psycopg.Connection[Any], upload_id: int, total: int, accepted: int, rejected: int
) -> None:
    """Make the upload visible if, and only if, every row read is stored."""
    with conn.transaction():
        row = conn.execute(
            """
            SELECT (SELECT count(*) FROM intake.contacts c JOIN intake.batches b
                        ON b.batch_id = c.first_batch_id WHERE b.upload_id = %(id)s),
                   (SELECT count(*) FROM intake.repeated_rows r JOIN intake.batches b
                        ON b.batch_id = r.batch_id WHERE b.upload_id = %(id)s),
                   (SELECT count(*) FROM intake.rejects WHERE upload_id = %(id)s),
                   (SELECT coalesce(sum(row_count), 0)::bigint
                      FROM intake.batches WHERE upload_id = %(id)s)
            """,
            {"id": upload_id},
        ).fetchone()
        assert row is not None
        new, repeated, refused, batched = row
        if (new + repeated, refused, batched) != (accepted, rejected, accepted) or (
            accepted + rejected != total
        ):
            raise StorageError(
                f"Upload {upload_id} does not add up: {total} rows read, {new + repeated} stored, "
                f"{refused} refused, {batched} in batches.",
                fix="Nothing of it is visible. Load the file again; report it if it stays so.",
                code="does_not_add_up",
            )
        conn.execute(
            "UPDATE intake.uploads SET state = 'loaded', loaded_at = now(), row_count = %s,"
            " contact_count = %s, new_contact_count = %s, reject_count = %s WHERE upload_id = %s",
            [total, accepted, new, rejected, upload_id],
        )


def batches(conn: psycopg.Connection[Any], upload_id: int) -> tuple[BatchRef, ...]:
    """The upload's batches that hold rows."""
    found = conn.execute(
        "SELECT batch_id, partition_key FROM intake.batches"
        " WHERE upload_id = %s AND row_count > 0 ORDER BY batch_number",
        [upload_id],
    )
    return tuple(BatchRef(*row) for row in found)


def rejects_by_reason(conn: psycopg.Connection[Any], upload_id: int) -> dict[str, int]:
    """How many rows were refused, by reason, most first."""
    return dict(
        conn.execute(
            "SELECT reason, count(*) FROM intake.rejects WHERE upload_id = %s"
            " GROUP BY reason ORDER BY count(*) DESC, reason",
            [upload_id],
        ).fetchall()
    )


def reject_page(
    conn: psycopg.Connection[Any], upload_id: int, after: int, limit: int
) -> list[Reject]:
    """The next refused rows after row `after`."""
    with conn.cursor(row_factory=class_row(Reject)) as cursor:
        return cursor.execute(
            "SELECT row_number, reason, detail, original FROM intake.rejects"
            " WHERE upload_id = %s AND row_number > %s ORDER BY row_number LIMIT %s",
            [upload_id, after, limit],
        ).fetchall()


def _values(conn: psycopg.Connection[Any], receipt: Receipt) -> dict[str, Any]:
    return {
        "source_id": _source(conn, receipt.source),
        "content_hash": receipt.hashed.content_hash,
        "region": receipt.region,
        "file_name": receipt.path.name[-255:],
        "file_uri": receipt.uri[-1000:],
        "size": receipt.hashed.size_bytes,
        "uploaded_by": receipt.uploaded_by,
        "batch_rows": receipt.batch_rows,
    }


def _source(conn: psycopg.Connection[Any], name: str) -> int:
    conn.execute("INSERT INTO intake.sources (name) VALUES (%s) ON CONFLICT DO NOTHING", [name])
    row = conn.execute("SELECT source_id FROM intake.sources WHERE name = %s", [name]).fetchone()
    assert row is not None
    return int(row[0])
