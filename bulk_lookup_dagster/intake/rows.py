"""One chunk of records becomes contacts, phones and rejects, ready to be stored.

Belongs here: what a row must be to be accepted, and its text in COPY's format. Does not: the
database (`intake.loader`). This is intake's hot path: a microsecond here is a second per million.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import compress, count, repeat
from typing import Any

from bulk_lookup_dagster.core.phone import REASONS, Phone, Refusal, normalise_all
from bulk_lookup_dagster.core.privacy import HASH_BYTES
from bulk_lookup_dagster.intake.cells import Arranged, Column, Extras, arrange, escaped, stripped
from bulk_lookup_dagster.intake.columns import FIELDS, ColumnMap

MAX_RAW_PHONE = 200
MAX_ORIGINAL = 10_000
_MAX_EXTRA_BYTES = 60_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LIMITS = (MAX_RAW_PHONE, *FIELDS.values(), _MAX_EXTRA_BYTES)
_TOO_LONG = (*repeat("value_too_long", 1 + len(FIELDS)), "row_too_long")
_DATE = list(FIELDS).index("last_verified_on")
ROW_REASONS = {
    "value_too_long": "The value of {} is longer than its column.",
    "control_character": "A cell holds a control character that no text has.",
    "too_many_columns": "The row has more cells than the header: a separator may lack its quotes.",
    "invalid_date": "The date is not written as YYYY-MM-DD.",
    "row_too_long": "The row is longer than what is kept of a row.",
}
ALL_REASONS = {**REASONS, **ROW_REASONS}


@dataclass(frozen=True)
class RowRules:
    """How to read the rows of one upload."""

    mapping: ColumnMap
    region: str
    source_id: int
    secret_key: bytes = field(repr=False)


@dataclass
class Chunk:
    """What became of one chunk of records; keys are the digests the database knows.

    `columns` are those that the file has, in the order of each contact's text.
    """

    records: int = 0
    columns: tuple[str, ...] = ()
    subjects: dict[bytes, Phone] = field(default_factory=dict)
    contacts: dict[bytes, tuple[int, bytes, str]] = field(default_factory=dict)
    repeats: list[tuple[int, bytes]] = field(default_factory=list)
    rejects: list[tuple[int, str, str, str]] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """How many rows are contacts."""
        return len(self.contacts) + len(self.repeats)


class RowReader:
    """Reads the rows of one upload, column by column; makes no difference between chunks."""

    def __init__(self, rules: RowRules) -> None:
        self._region = rules.region
        self._phone = rules.mapping.phone
        self._width = rules.mapping.width
        self._columns = rules.mapping.fields
        self._extras = Extras(rules.mapping.extras)
        kept = [name for name in FIELDS if name in self._columns]
        if rules.mapping.extras:
            kept.append("extra")
        self._kept = ("raw_phone", *kept)
        key = rules.secret_key
        self._phone_hash = hashlib.blake2b(b"phone:", key=key, digest_size=HASH_BYTES).copy
        salt = f"{rules.source_id}\x1f".encode()
        self._row_hash = hashlib.blake2b(salt, digest_size=HASH_BYTES).copy

    def read(self, first: int, records: Iterable[list[str]], *, clean: bool) -> Chunk:
        """Sort records into a chunk; `clean` says no cell needs COPY's escapes.

        `first` is the number of the first record as a spreadsheet counts rows.
        """
        table = arrange(first, records, self._width)
        if not table.rows:
            return Chunk(table.records, rejects=self._rejects(table, {}))
        columns = list(zip(*table.rows, strict=True))
        cells = columns[self._phone]
        phones = normalise_all(cells, self._region)
        fields = [
            stripped(columns[self._columns[name]], clean) if name in self._columns else None
            for name in FIELDS
        ]
        extras = self._extras.column(columns, clean)
        refused = {
            index: phone.reason for index, phone in enumerate(phones) if isinstance(phone, Refusal)
        }
        if not clean:
            _check_text(refused, table.rows)
        texts, wholes = self._texts(cells, fields, extras, clean)
        _check_values(refused, (cells, *fields, extras), max(map(len, texts)))
        chunk = Chunk(table.records, self._kept, rejects=self._rejects(table, refused))
        self._accept(chunk, zip(table.numbers, phones, texts, wholes, strict=True), refused)
        return chunk

    def _texts(
        self, cells: Column, fields: Sequence[Column | None], extras: Column, clean: bool
    ) -> tuple[list[str], Iterable[str]]:
        """Each row as COPY reads it, and as it is hashed: with every field there can be.

        So a column more, empty, makes no other contact.
        """
        if not clean:
            cells, extras = escaped(cells), escaped(extras)
            fields = [field and escaped(field) for field in fields]
        kept = [cells, *(field for field in fields if field is not None)]
        if "extra" in self._kept:
            kept.append(extras)
        texts = list(map("\t".join, zip(*kept, strict=True)))
        every = (field or repeat("") for field in fields)
        wholes = map("\t".join, zip(*every, extras))  # noqa: B905 - what is not there never ends
        return texts, wholes

    def _accept(
        self,
        chunk: Chunk,
        rows: Iterable[tuple[int, Any, str, str]],
        refused: Collection[int],
    ) -> None:
        """Hash every row that is not refused: its number, and it all but the number's spelling."""
        phone_hash, row_hash = self._phone_hash, self._row_hash
        subjects, contacts = chunk.subjects, chunk.contacts
        for index, (number, phone, text, whole) in enumerate(rows):
            if index in refused:
                continue
            e164 = phone.e164
            hashed = phone_hash()
            hashed.update(e164.encode())
            digest = hashed.digest()
            subjects[digest] = phone
            hashed = row_hash()
            hashed.update(f"{e164}\t{whole}".encode())
            identity = hashed.digest()
            if identity in contacts:
                chunk.repeats.append((number, identity))
            else:
                contacts[identity] = (number, digest, text)

    def _rejects(
        self, table: Arranged, refused: Mapping[int, str]
    ) -> list[tuple[int, str, str, str]]:
        found = [(number, record, "too_many_columns") for number, record in table.wide]
        for index, reason in refused.items():
            number = table.numbers[index]
            found.append((number, table.original.get(number, table.rows[index]), reason))
        return [self._reject(*reject) for reject in sorted(found)]

    def _reject(self, number: int, record: Sequence[str], reason: str) -> tuple[int, str, str, str]:
        original = record_text(record).replace("\x00", "\N{REPLACEMENT CHARACTER}")
        detail = ALL_REASONS[reason]
        if reason == "value_too_long":
            detail = detail.format(self._longest(record))
        if len(original) > MAX_ORIGINAL:
            detail += f" Only the first {MAX_ORIGINAL:,} characters are kept."
        return number, reason, detail, original[:MAX_ORIGINAL]

    def _longest(self, record: Sequence[str]) -> str | None:
        """Which value is too long."""
        if len(record[self._phone]) > MAX_RAW_PHONE:
            return f"phone (at most {MAX_RAW_PHONE} characters)"
        for name, index in self._columns.items():
            if index < len(record) and len(record[index].strip()) > FIELDS[name]:
                return f"{name} (at most {FIELDS[name]} characters)"
        return None


def _check_text(refused: dict[int, str], rows: Sequence[Sequence[str]]) -> None:
    hits = (_CONTROL.search("".join(row)) is not None for row in rows)
    _add(refused, "control_character", hits)


def _check_values(
    refused: dict[int, str], columns: Sequence[Column | None], longest_row: int
) -> None:
    """Add rows that do not fit their columns; the first reason found stays.

    No value is longer than the longest row, which spares most columns a look.
    """
    dates = columns[1 + _DATE]
    if dates is not None:
        wrong = {value for value in set(dates) if not _is_date_or_empty(value)}
        if wrong:
            _add(refused, "invalid_date", (value in wrong for value in dates))
    for column, limit, reason in zip(columns, _LIMITS, _TOO_LONG, strict=True):
        if column is not None and limit < longest_row and max(map(len, column)) > limit:
            _add(refused, reason, (len(value) > limit for value in column))


def _add(refused: dict[int, str], reason: str, hits: Iterable[bool]) -> None:
    for index in compress(count(), hits):
        refused.setdefault(index, reason)


def record_text(record: Sequence[str]) -> str:
    """A record as one CSV line: the original text of a reject."""
    buffer = io.StringIO()
    # Without an ordinary line end the writer would leave line breaks in cells unquoted.
    csv.writer(buffer, lineterminator="\n").writerow(record)
    return buffer.getvalue()[:-1]


@lru_cache(maxsize=8_192)
def _is_date_or_empty(text: str) -> bool:
    try:
        return not text or (len(text) == 10 and date.fromisoformat(text).isoformat() == text)
    except ValueError:
        return False
