"""What one value of a contact says: names, companies, street lines, cities, one at a time.

Belongs here: from a text to the columns of a record. Does not: which field is read how, in sets
(`matching.normalise`), rules of names and addresses (`core`).
"""

from __future__ import annotations

from typing import Any

from bulk_lookup_dagster.core.addresses import parse_street, street_and_unit
from bulk_lookup_dagster.core.companies import COMPANY_MARKS, company_words, is_company
from bulk_lookup_dagster.core.name_words import GIVEN_NAMES
from bulk_lookup_dagster.core.names import (
    PersonName,
    depends_on_the_rest,
    family_name,
    given_name,
    parse_name,
    split_name,
)
from bulk_lookup_dagster.core.text_folding import words

NAME_COLUMNS = ("kind", "first", "given", "given_other", "middle", "last", "generation", "titled")
HALF = ("stands_alone", "is_known")
"""Whether half a name can be read without the other, and whether it is a given name's."""


def read_name(
    name: str | None, first: str | None, last: str | None, has_company: bool
) -> tuple[str | None, ...]:
    """Kind, parts of a person's name, and the name as an organisation's where it may be one."""
    if first or last:
        return _person("person", split_name(first or "", last or ""))
    whole = name or ""
    if is_company(whole):
        titled = " ".join(company_words(whole)) or None
        return ("organisation", *(None,) * 6, titled)
    parsed = parse_name(whole)
    if has_company or "," in whole or GIVEN_NAMES.intersection(words(whole)):
        return _person("person", parsed)
    return _person("unknown", parsed, " ".join(company_words(whole)))


def _person(kind: str, name: PersonName, titled: str = "") -> tuple[str | None, ...]:
    known = [full for full in name.given if full in GIVEN_NAMES]
    if not name.first and not name.last:
        return (None,) * 8
    formal = known[1:] or known
    values = (
        *(name.first, formal[0] if formal else "", formal[1] if len(formal) > 1 else ""),
        *(name.middle, name.last, name.generation, titled),
    )
    return (kind, *(value[:150] or None for value in values))


def read_given(text: str) -> tuple[Any, ...]:
    """A field of given names; last of all `HALF`."""
    _, first, given, other, middle, _, generation, _ = _person("person", given_name(text))
    return first, given, other, middle, generation, *_half(text)


def read_family(text: str) -> tuple[Any, ...]:
    """A field of family names; last of all `HALF`."""
    name = family_name(text)
    return name.last[:150] or None, name.generation or None, *_half(text)


def _half(text: str) -> tuple[bool, bool]:
    """Whether half a name can be read without the other, and whether it is a given name's."""
    found = words(text)
    alone = COMPANY_MARKS.isdisjoint(found) and not depends_on_the_rest(text)
    return alone, not GIVEN_NAMES.isdisjoint(found)


def read_company(company: str) -> tuple[str | None, ...]:
    """A company without its form."""
    return (" ".join(company_words(company)) or None,)


def read_street(rest: str) -> tuple[str | None, ...]:
    """What follows a house number: street and unit."""
    street, unit = street_and_unit(rest)
    return street or None, unit[:30] or None


def read_line(line: str) -> tuple[str | None, ...]:
    """A street line that does not start with a house number: house, street, unit."""
    parsed = parse_street(line)
    return parsed.house[:20] or None, parsed.street or None, parsed.unit[:30] or None


def read_city(city: str) -> tuple[str | None, ...]:
    """A city in plain letters."""
    return (" ".join(words(city)) or None,)
