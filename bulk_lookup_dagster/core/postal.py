"""Postal addresses in one spelling, so that whoever names a place names the same subject.

Streets are abbreviated, states two letters, ZIP codes five digits; an address with a state and a
ZIP code of the United States is there, whether or not it says so.

Belongs here: whole addresses. Does not: one street line (`core.addresses`), geocoding.
"""

from __future__ import annotations

import re

from bulk_lookup_dagster.core.addresses import parse_street
from bulk_lookup_dagster.core.places import STATES, US, country_code, state_code
from bulk_lookup_dagster.core.subjects import AddressKey
from bulk_lookup_dagster.core.text_folding import fold, words

_BOX = re.compile(r"\s*p\.?\s*o\.?\s*box\s+(\w+)")
_ZIP = re.compile(r"(\d{5})(?:[- ]?\d{4})?")


def normal_address(
    street: str | None,
    unit: str | None,
    city: str | None,
    state: str | None,
    postal_code: str | None,
    country: str | None,
) -> AddressKey | None:
    """The address; None where it is too little: a street, and a postal code or city and state."""
    line, flat = _street(street or "", unit or "")
    region, code = state_code(state or ""), " ".join((postal_code or "").casefold().split())
    where, town = country_code(country or ""), " ".join(words(city or ""))
    zip_code = _ZIP.fullmatch(code)
    if zip_code and where in ("", US):
        code = zip_code[1]
        where = US if region in STATES else where
    if not line or not (code or (town and region)):
        return None
    return AddressKey(line, flat, town, region, code, where)


def _street(street: str, unit: str) -> tuple[str, str]:
    """House and street in one spelling, and the unit."""
    if not street.strip():
        return "", ""
    box = _BOX.match(fold(street))
    if box:
        return f"po box {box[1]}", ""
    parsed = parse_street(f"{street}, {unit}" if unit.strip() else street)
    leads = words(street)[:1] == [parsed.house]
    parts = (parsed.house, parsed.street) if leads else (parsed.street, parsed.house)
    return " ".join(part for part in parts if part), parsed.unit
