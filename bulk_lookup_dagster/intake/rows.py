"""One chunk of records becomes contacts, phones and rejects, ready to be stored.

Belongs here: what a row must be to be accepted, and its text in COPY's format. Does not: the
database (`intake.loader`). This is intake's hot path: a microsecond here is a second per million.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any

import orjson

from bulk_lookup_dagster.core.phone import REASONS, Phone, Refusal, normalise
from bulk_lookup_dagster.core.privacy import HASH_BYTES
from bulk_lookup_dagster.intake.columns import FIELDS, ColumnMap

MAX_RAW_PHONE = 200
MAX_ORIGINAL = 10_000
_MAX_EXTRA_BYTES = 60_000
_SPECIAL = re.compile(r"[\\\x00-\x1f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_DATE = "last_verified_on"
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
    """What became of one chunk of records; keys are the digests the database knows."""

    records: int = 0
    subjects: dict[bytes, Phone] = field(default_factory=dict)
    contacts: dict[bytes, tuple[int, bytes, str]] = field(default_factory=dict)
    repeats: list[tuple[int, bytes]] = field(default_factory=list)
    rejects: list[tuple[int, str, str, str]] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """How many rows are contacts."""
        return len(self.contacts) + len(self.repeats)


class RowReader:
    """Reads the rows of one upload; makes no difference between chunks."""

    def __init__(self, rules: RowRules) -> None:
        fields = rules.mapping.fields
        self._region = rules.region
        self._phone = rules.mapping.phone
        self._width = rules.mapping.width
        self._fields = tuple(fields)
        self._order = tuple(fields.values())
        # The phone cell, then one value per field in the order of FIELDS: a field without a
        # column is the empty cell that `_row` puts behind the record.
        self._values = itemgetter(self._phone, *(fields.get(name, self._width) for name in FIELDS))
        self._limits = tuple(FIELDS[name] for name in fields)
        self._date = 1 + list(FIELDS).index(_DATE) if _DATE in fields else None
        self._short = min([MAX_RAW_PHONE, *(FIELDS[name] for name in fields if name != _DATE)])
        self._extras = rules.mapping.extras
        self._heads = tuple((f'"{name}":"', index) for name, index in self._extras)
        self._plain_names = not any(
            _SPECIAL.search(name) or '"' in name for name, _ in self._extras
        )
        self._salt = f"{rules.source_id}\x1f"
        self._phone_hash = hashlib.blake2b(
            b"phone:", key=rules.secret_key, digest_size=HASH_BYTES
        ).copy
        self._row_hash = hashlib.blake2b(digest_size=HASH_BYTES).copy

    def read(self, first: int, records: Iterable[list[str]], *, clean: bool) -> Chunk:
        """Sort records into a chunk; `clean` says no cell needs COPY's escapes.

        `first` is the number of the first record as a spreadsheet counts rows.
        """
        chunk = Chunk()
        phones: dict[str, bytes] = {}
        blank = 0
        number = first - 1
        for number, record in enumerate(records, first):
            if not any(record):
                blank += 1
                continue
            row = self._row(record, clean)
            if row.__class__ is Refusal:
                chunk.rejects.append(self._reject(number, record, row[0]))
                continue
            phone, text, content = row
            digest = phones.get(phone.e164)
            if digest is None:
                hashed = self._phone_hash()
                hashed.update(phone.e164.encode())
                digest = phones[phone.e164] = hashed.digest()
                chunk.subjects[digest] = phone
            hashed = self._row_hash()
            hashed.update(content.encode())
            identity = hashed.digest()
            if identity in chunk.contacts:
                chunk.repeats.append((number, identity))
            else:
                chunk.contacts[identity] = (number, digest, text)
        chunk.records = number + 1 - first - blank
        return chunk

    def _row(self, record: list[str], clean: bool) -> Any:
        """The phone, the row in COPY's format and what its identity covers; or the refusal."""
        if len(record) != self._width:
            if any(map(str.strip, record[self._width :])):
                return Refusal("too_many_columns")
            record = [*record[: self._width], *[""] * (self._width - len(record))]
        raw = record[self._phone]
        phone = normalise(raw, self._region)
        if isinstance(phone, Refusal):
            return phone
        values = self._values([*record, ""])
        joined = "\t".join(values)
        if not clean:
            if _CONTROL.search("".join(record)):
                return Refusal("control_character")
            raw = copy_value(raw)
            joined = "\t".join((raw, *map(copy_value, map(str.strip, values[1:]))))
        elif " \t" in joined or "\t " in joined or joined[-1] == " " or not joined.isascii():
            joined = "\t".join((raw, *map(str.strip, values[1:])))
        if self._date is not None and not _is_date_or_empty(values[self._date].strip()):
            return Refusal("invalid_date")
        if len(joined) > self._short and self._longest(record) is not None:
            return Refusal("value_too_long")
        text = joined + "\t"
        if self._extras:
            extra = self._extra(record, clean)
            if len(extra) > _MAX_EXTRA_BYTES:
                return Refusal("row_too_long")
            text += extra
        content = f"{self._salt}{phone.e164}{text[len(raw) :]}"
        return phone, text, content

    def _extra(self, record: Sequence[str], clean: bool) -> str:
        """Columns that are no field, as JSON; empty cells are left out."""
        if clean and self._plain_names:
            kept = [
                f'{head}{cell}"' for head, index in self._heads if (cell := record[index].strip())
            ]
            text = ",".join(kept)
            # Quotes inside cells need JSON's own escapes.
            if text.count('"') == 4 * len(kept):
                return f"{{{text}}}" if kept else ""
        cells = {name: cell for name, index in self._extras if (cell := record[index].strip())}
        return copy_value(orjson.dumps(cells).decode()) if cells else ""

    def _reject(self, number: int, record: Sequence[str], reason: str) -> tuple[int, str, str, str]:
        original = record_text(record).replace("\x00", "\N{REPLACEMENT CHARACTER}")
        detail = ALL_REASONS[reason]
        if reason == "value_too_long":
            detail = detail.format(self._longest(record))
        if len(original) > MAX_ORIGINAL:
            detail += f" Only the first {MAX_ORIGINAL:,} characters are kept."
        return number, reason, detail, original[:MAX_ORIGINAL]

    def _longest(self, record: Sequence[str]) -> str | None:
        """Which value is too long, if any."""
        if len(record[self._phone]) > MAX_RAW_PHONE:
            return f"phone (at most {MAX_RAW_PHONE} characters)"
        for name, index, limit in zip(self._fields, self._order, self._limits, strict=True):
            if index < len(record) and len(record[index].strip()) > limit:
                return f"{name} (at most {limit} characters)"
        return None


def record_text(record: Sequence[str]) -> str:
    """A record as one CSV line: the original text of a reject."""
    buffer = io.StringIO()
    # Without an ordinary line end the writer would leave line breaks in cells unquoted.
    csv.writer(buffer, lineterminator="\n").writerow(record)
    return buffer.getvalue()[:-1]


def copy_value(text: str) -> str:
    """One value in COPY's text format."""
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


@lru_cache(maxsize=8_192)
def _is_date_or_empty(text: str) -> bool:
    try:
        return not text or (len(text) == 10 and date.fromisoformat(text).isoformat() == text)
    except ValueError:
        return False
