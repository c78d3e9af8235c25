"""Stores one chunk of rows: subjects first, then the batch, its contacts and its rejects.

Belongs here: the SQL of intake's hot path. Does not: reading rows (`intake.rows`), deciding about
uploads (`services.uploads`).

New rows go straight into their tables by COPY, which is three times faster than INSERT … ON
CONFLICT. What makes that safe is one advisory lock per table: between looking for what exists
and committing what does not, nobody else adds any.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format

from bulk_lookup_dagster.core.numbering_plans import Line
from bulk_lookup_dagster.core.phone import Phone
from bulk_lookup_dagster.core.privacy import HASH_BYTES
from bulk_lookup_dagster.intake.cells import copy_value
from bulk_lookup_dagster.intake.rows import Chunk

_SUBJECTS_LOCK = 7311
_CONTACTS_LOCK = 7312
_FIND_SUBJECTS = (
    "SELECT value_hmac, CASE WHEN erased_at IS NULL THEN subject_id ELSE -subject_id END"
    "  FROM intake.subjects WHERE value_hmac = ANY(%b)"
)
_CONTACTS: LiteralString = (
    "SELECT contact_hash, contact_id, first_batch_id, first_row_number FROM intake.contacts WHERE "
)
_FIND_CONTACTS = _CONTACTS + "contact_hash = ANY(%b)"
_FIND_CONTACTS_OF = _CONTACTS + "phone_subject_id BETWEEN %s AND %s"
_RESTORE_SUBJECT = (
    "UPDATE intake.subjects SET value = %s, erased_at = NULL"
    " WHERE subject_id = %s AND erased_at IS NOT NULL"
)
_COPY_SUBJECTS = (
    "COPY intake.subjects (subject_id, kind, value, value_hmac, region, number_type, time_zones)"
    " FROM STDIN"
)
_CONTACT_KEYS = (
    *("contact_id", "source_id", "first_batch_id", "first_row_number"),
    *("contact_hash", "phone_subject_id"),
)
_COPY_CONTACTS = sql.SQL("COPY intake.contacts ({}) FROM STDIN (NULL '')")
_COPY_REPEATS = "COPY intake.repeated_rows (batch_id, row_number, contact_id) FROM STDIN"
_COPY_REJECTS = "COPY intake.rejects (upload_id, row_number, reason, detail, original) FROM STDIN"
_BATCH = """
INSERT INTO intake.batches (upload_id, source_id, batch_number, partition_key, state, row_count)
VALUES (%s, %s, %s, %s, 'created', %s)
ON CONFLICT (upload_id, batch_number) DO UPDATE SET row_count = EXCLUDED.row_count
RETURNING batch_id
"""


# The last id of a block; the lock of the table keeps two blocks apart.
_BLOCK = "SELECT setval(%s::regclass, nextval(%s::regclass) + %s - 1)"


class _Digests(tuple[bytes, ...]):
    """Digests of `HASH_BYTES` each, sent as one array."""

    __slots__ = ()


class _DigestsDumper(Dumper):
    """psycopg's own way to send a list takes longer than PostgreSQL's to find its items."""

    format = Format.BINARY
    oid = psycopg.adapters.types["bytea"].array_oid

    def dump(self, obj: _Digests) -> bytes:
        """The array as PostgreSQL receives it: a header, then length and bytes of each item."""
        size = struct.pack(">i", HASH_BYTES)
        head = struct.pack(">iiIii", 1, 0, psycopg.adapters.types["bytea"].oid, len(obj), 1)
        return head + size + size.join(obj)


@dataclass(frozen=True)
class BatchPlace:
    """Where a chunk belongs."""

    upload_id: int
    source_id: int
    batch_number: int
    partition_key: str


@dataclass(frozen=True)
class Stored:
    """What a stored chunk adds to its upload."""

    batch_number: int
    records: int
    accepted: int
    rejected: int


class _Subjects(NamedTuple):
    """Ids by the digest of the number; those in `fresh` did not exist before this chunk."""

    ids: dict[bytes, int]
    fresh: range


def lock_intake(conn: psycopg.Connection[Any]) -> None:
    """Keep every load from adding subjects or contacts until the transaction ends."""
    _lock(conn, _SUBJECTS_LOCK)
    _lock(conn, _CONTACTS_LOCK)


def store_chunk(conn: psycopg.Connection[Any], place: BatchPlace, chunk: Chunk) -> Stored:
    """Store a chunk in two transactions; storing the same chunk again adds nothing."""
    with conn.transaction():
        subjects = _store_subjects(conn, chunk.subjects)
    with conn.transaction():
        _store_rows(conn, place, chunk, subjects)
    return Stored(place.batch_number, chunk.records, chunk.accepted, len(chunk.rejects))


def _store_subjects(conn: psycopg.Connection[Any], phones: dict[bytes, Phone]) -> _Subjects:
    if not phones:
        return _Subjects({}, range(0))
    _lock(conn, _SUBJECTS_LOCK)
    ids: dict[bytes, int] = dict(_found(conn, _FIND_SUBJECTS, phones))
    erased = {digest: -found for digest, found in ids.items() if found < 0}
    if erased:
        back = [(phones[digest].e164, found) for digest, found in erased.items()]
        conn.cursor().executemany(_RESTORE_SUBJECT, back)
        ids.update(erased)
    new = [digest for digest in phones if digest not in ids] if ids else list(phones)
    fresh = _ids(conn, "intake.subjects_subject_id_seq", len(new))
    ids.update(zip(new, fresh, strict=True))
    _copy(conn, _COPY_SUBJECTS, [_subject_line(key, ids[key], phones[key]) for key in new])
    return _Subjects(ids, fresh)


def _subject_line(digest: bytes, subject_id: int, phone: Phone) -> str:
    return f"{subject_id}\tphone\t{phone.e164}\t\\\\x{digest.hex()}\t{_line_columns(phone.line)}\n"


@cache
def _line_columns(line: Line) -> str:
    return f"{line.region}\t{line.number_type}\t{','.join(line.time_zones)}"


def _store_rows(
    conn: psycopg.Connection[Any], place: BatchPlace, chunk: Chunk, subjects: _Subjects
) -> None:
    repeats = list(chunk.repeats)
    if chunk.accepted:
        batch_id = _batch(conn, place, chunk.accepted)
        _lock(conn, _CONTACTS_LOCK)
        known = _known_contacts(conn, chunk, subjects)
        contacts = chunk.contacts
        new = [digest for digest in contacts if digest not in known] if known else list(contacts)
        ids = dict(zip(new, _ids(conn, "intake.contacts_contact_id_seq", len(new)), strict=True))
        start = f"\t{place.source_id}\t{batch_id}\t"
        lines = []
        for digest in new:
            row_number, subject, text = contacts[digest]
            lines.append(
                f"{ids[digest]}{start}{row_number}\t\\\\x{digest.hex()}\t{subjects.ids[subject]}\t"
                f"{text}\n"
            )
        _copy(conn, _copy_contacts(chunk.columns), lines)
        for digest, (contact_id, first_batch, first_row) in known.items():
            row_number = contacts[digest][0]
            ids[digest] = contact_id
            # A load that was killed and starts again finds its own rows.
            if (first_batch, first_row) != (batch_id, row_number):
                repeats.append((row_number, digest))
        _copy(conn, _COPY_REPEATS, [f"{batch_id}\t{row}\t{ids[key]}\n" for row, key in repeats])
    _copy(
        conn,
        _COPY_REJECTS,
        [
            f"{place.upload_id}\t{row}\t{reason}\t{detail}\t{copy_value(original)}\n"
            for row, reason, detail, original in chunk.rejects
        ],
    )


def _copy_contacts(columns: tuple[str, ...]) -> sql.Composed:
    names = map(sql.Identifier, (*_CONTACT_KEYS, *columns))
    return _COPY_CONTACTS.format(sql.SQL(", ").join(names))


def _known_contacts(
    conn: psycopg.Connection[Any], chunk: Chunk, subjects: _Subjects
) -> dict[bytes, tuple[int, int, int]]:
    """Which contacts are there already: id, batch and row.

    Hashes cover the number, so that of a fresh number's contacts none can be, unless another load
    was here since: a look at the block of fresh ids instead of one at each hash.
    """
    ids, fresh = subjects
    asked = [digest for digest, (_, key, _) in chunk.contacts.items() if ids[key] not in fresh]
    found = _found(conn, _FIND_CONTACTS, asked)
    if fresh:
        found += conn.execute(_FIND_CONTACTS_OF, [fresh[0], fresh[-1]]).fetchall()
    return {
        digest: (contact, batch, row)
        for digest, contact, batch, row in found
        if digest in chunk.contacts
    }


def _found(
    conn: psycopg.Connection[Any], query: LiteralString, digests: Collection[bytes]
) -> list[Any]:
    if not digests:
        return []
    cursor = conn.cursor(binary=True)
    cursor.adapters.register_dumper(_Digests, _DigestsDumper)
    return cursor.execute(query, [_Digests(digests)]).fetchall()


def _batch(conn: psycopg.Connection[Any], place: BatchPlace, accepted: int) -> int:
    values = (place.upload_id, place.source_id, place.batch_number, place.partition_key, accepted)
    row = conn.execute(_BATCH, values).fetchone()
    assert row is not None
    return int(row[0])


def _lock(conn: psycopg.Connection[Any], key: int) -> None:
    conn.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def _ids(conn: psycopg.Connection[Any], sequence: str, count: int) -> range:
    """Fresh ids, in order; the caller holds the lock of the sequence's table."""
    if not count:
        return range(0)
    row = conn.execute(_BLOCK, [sequence, sequence, count]).fetchone()
    assert row is not None
    return range(row[0] - count + 1, row[0] + 1)


def _copy(
    conn: psycopg.Connection[Any], statement: LiteralString | sql.Composed, lines: Iterable[str]
) -> None:
    data = "".join(lines).encode()
    if data:
        with conn.cursor().copy(statement) as copy:
            copy.write(data)
