"""Which column of a file is what: our field names, other people's words for them, the mapping.

Belongs here: names and matching of headers. Does not: values (`intake.rows`), the memory of
mappings in the database (`services.uploads`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from bulk_lookup_dagster.core.errors import UploadRefused

PHONE = "phone"
# Order is the order of columns in storage and of values under the contact's hash.
FIELDS: Mapping[str, int] = {
    "name": 300,
    "first_name": 150,
    "last_name": 150,
    "company": 300,
    "email": 320,
    "website": 500,
    "street": 300,
    "city": 150,
    "state_region": 100,
    "postal_code": 20,
    "country": 60,
    "last_verified_on": 10,
}
"""Fields kept beside the phone, with the greatest length a value may have."""

_SYNONYMS = {
    PHONE: "phone phonenumber rawphonenumber rawphone telephone telephonenumber tel telno "
    "telnumber telefon telefone telefono mobile mobilephone mobilenumber mobileno cell cellphone "
    "cellnumber phoneno number msisdn e164 phone1 primaryphone contactnumber contactphone "
    "workphone businessphone officephone homephone handy",
    "name": "name fullname contactname contact customername displayname person",
    "first_name": "firstname givenname forename fname vorname prenom nombre",
    "last_name": "lastname surname familyname lname nachname apellido",
    "company": "company companyname organisation organization business businessname employer "
    "account accountname firm firma empresa",
    "email": "email emailaddress mail emailid",
    "website": "website url web homepage domain site",
    "street": "street streetaddress address address1 addressline1 street1 addr",
    "city": "city town locality suburb ort",
    "state_region": "state region province stateregion stateprovince county",
    "postal_code": "postalcode zip zipcode postcode plz",
    "country": "country countryname countrycode",
    "last_verified_on": "lastverifiedon lastverified lastverifieddate verifiedon verifieddate",
}
_SYNONYM_LISTS = {field: words.split() for field, words in _SYNONYMS.items()}
_NOT_A_WORD = re.compile(r"[\W_]+")
_PHONE_LIKE = re.compile(r"[\d+() ./\-]+|\d[\d.]*[eE]\+?\d+")
_DATE_LIKE = re.compile(r"\d{4}-\d\d-\d\d")
MAX_COLUMNS = 500


@dataclass(frozen=True)
class ColumnMap:
    """Column numbers of the fields, and the headers of the columns kept beside them."""

    headers: tuple[str, ...] | None
    phone: int
    fields: Mapping[str, int]
    width: int

    @property
    def extras(self) -> tuple[tuple[str, int], ...]:
        """Name and number of every column that is no field."""
        taken = {self.phone, *self.fields.values()}
        return tuple((self.name(index), index) for index in range(self.width) if index not in taken)

    def name(self, index: int) -> str:
        """What a column is called: its header, or its position."""
        header = self.headers[index] if self.headers else ""
        return header or f"column {index + 1}"

    def document(self) -> dict[str, str]:
        """Field and header of every mapped column, as stored and shown."""
        return {
            PHONE: self.name(self.phone),
            **{field: self.name(index) for field, index in self.fields.items()},
        }

    def digest(self) -> bytes:
        """What the mapping contributes to an upload's identity."""
        columns = {PHONE: self.phone, **self.fields}
        content = [self.headers is not None, sorted(columns.items())]
        return hashlib.blake2b(orjson.dumps(content), digest_size=32).digest()


def header_digest(headers: Sequence[str]) -> bytes:
    """What a shape of headers is remembered by; spelling and spacing do not count."""
    words = [_word(header) for header in headers]
    return hashlib.blake2b(orjson.dumps(words), digest_size=32).digest()


def map_columns(
    first: Sequence[str],
    sample: Sequence[Sequence[str]],
    wanted: Mapping[str, str] | None,
) -> ColumnMap:
    """The mapping for a file that starts with record `first`; `wanted` names headers by field."""
    width = max(len(first), 1)
    if width > MAX_COLUMNS:
        raise UploadRefused(
            f"The file has {width} columns; at most {MAX_COLUMNS} are read.",
            fix="Remove columns that are not needed.",
            code="too_many_columns",
        )
    if wanted:
        return _wanted(first, wanted)
    columns = _by_synonyms(first)
    if PHONE in columns:
        return _mapping(tuple(first), columns, width)
    if any(_looks_like_phone(cell) for cell in first):
        return _mapping(None, {PHONE: _phone_column(sample, width)}, width)
    raise UploadRefused(
        "No column is called phone, telephone, mobile or the like.",
        fix="Rename the column of phone numbers to `phone`, or give a mapping such as "
        "phone=<its header>.",
        code="no_phone_column",
    )


def known_columns(headers: Sequence[str]) -> Mapping[str, int]:
    """Number of the column for every field whose header is known, with or without a phone."""
    return _by_synonyms(headers)


def _wanted(first: Sequence[str], wanted: Mapping[str, str]) -> ColumnMap:
    unknown = sorted(set(wanted) - {PHONE, *FIELDS})
    if unknown or PHONE not in wanted:
        raise UploadRefused(
            f"The mapping names unknown fields: {', '.join(unknown)}."
            if unknown
            else "The mapping does not say which column holds the phone number.",
            fix=f"Fields are: {', '.join((PHONE, *FIELDS))}.",
            code="bad_mapping",
        )
    words = [_word(header) for header in first]
    positional = any(_looks_like_phone(cell) for cell in first)
    columns = {}
    for field, header in wanted.items():
        position = re.fullmatch(r"column ([1-9]\d{0,2})", header.strip().lower())
        if position and int(position[1]) <= len(first):
            columns[field] = int(position[1]) - 1
        elif _word(header) in words and not positional:
            columns[field] = words.index(_word(header))
        else:
            raise UploadRefused(
                f"The mapping of {field} names a column the file does not have.",
                fix="Use a header of the file, or `column N`, counted from 1.",
                code="bad_mapping",
            )
    return _mapping(None if positional else tuple(first), columns, len(first))


def _mapping(headers: tuple[str, ...] | None, columns: dict[str, int], width: int) -> ColumnMap:
    fields = {field: columns[field] for field in FIELDS if field in columns}
    names = tuple(header.strip()[:200] for header in headers) if headers else None
    return ColumnMap(names, columns[PHONE], fields, width)


def _by_synonyms(headers: Sequence[str]) -> dict[str, int]:
    words = [_word(header) for header in headers]
    columns: dict[str, int] = {}
    for field, synonyms in _SYNONYM_LISTS.items():
        for synonym in synonyms:
            if synonym in words:
                columns[field] = words.index(synonym)
                break
    return columns


def _phone_column(sample: Sequence[Sequence[str]], width: int) -> int:
    """The column of a file without headers in which most cells look like phones."""
    counts = [
        sum(index < len(row) and _looks_like_phone(row[index]) for row in sample)
        for index in range(width)
    ]
    best = max(counts)
    if counts.count(best) > 1:
        raise UploadRefused(
            "The file has no header, and more than one column looks like phone numbers.",
            fix="Add a header line, or give a mapping such as phone=column 2.",
            code="no_phone_column",
        )
    return counts.index(best)


def _looks_like_phone(cell: str) -> bool:
    text = cell.strip()
    digits = sum(character.isdigit() for character in text)
    if not 7 <= digits <= 18 or len(text) > 30 or re.fullmatch(r"\d{4}-\d\d-\d\d.*", text):
        return False
    return (
        digits * 2 >= len(text)
        and re.fullmatch(r"[\d+() ./\-]+|\d[\d.]*[eE]\+?\d+", text) is not None
    )


def _word(header: str) -> str:
    return _NOT_A_WORD.sub("", header.strip().lower())
