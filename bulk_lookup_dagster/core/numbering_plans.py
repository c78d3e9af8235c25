"""Numbering plans: what libphonenumber's metadata say about one country code, precompiled.

Belongs here: exactly the library's answers (region, type, time zones, possible lengths) for a
country code and a national number, several times faster. Does not: reading text (`core.phone`).
The patterns are the library's own; only the order of its checks is written out, and a test
compares both on random numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import groupby
from typing import NamedTuple

from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE as _REGIONS
from phonenumbers.phonemetadata import PhoneNumberDesc
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

# In the library's order of precedence; fixed line and mobile are decided together, last.
_KINDS = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
TYPE_NAMES = {
    value: name.lower() for name, value in vars(PhoneNumberType).items() if name.isupper()
}
_UNKNOWN_ZONES = ("Etc/Unknown",)


class Line(NamedTuple):
    """What a valid number is: its region, its type, and the time zones it may be in."""

    region: str
    number_type: str
    time_zones: tuple[str, ...]


class Plan:
    """The numbering plan of one country calling code."""

    def __init__(self, country_code: int) -> None:
        codes = _REGIONS[country_code]
        self.country_code = country_code
        self._shared = len(codes) > 1
        regions = [_region(country_code, code) for code in codes]
        main = regions[0].metadata
        general = general_desc(main)
        self.lengths = tuple(general.possible_length)
        self.local_lengths = tuple(general.possible_length_local_only)
        prefix = main.national_prefix_for_parsing
        self._national_prefix = re.compile(prefix).match if prefix else None
        self._runs = _runs(regions)
        code = str(country_code)
        self._zone_digits = _zone_digits(code)
        self._zones: dict[str, tuple[str, ...]] = {}
        self._own_zones = _zones_of(code)
        self._places = frozenset(
            kind for kind in TYPE_NAMES if is_number_type_geographical(kind, country_code)
        )

    def has_national_prefix(self, national: str) -> bool:
        """Whether the number starts with what the library might strip as a trunk prefix."""
        if self._national_prefix is None:
            return False
        match = self._national_prefix(national)
        return match is not None and match.end() > 0

    def line(self, national: str) -> Line | None:
        """The kind of line behind a national number; None when no such number is given out."""
        for guard, regions in self._runs:
            if guard is not None and guard(national) is None:
                continue
            for region in regions:
                if region.leading is not None and region.leading(national) is None:
                    continue
                number_type = region.type_of(national)
                if number_type is not None:
                    zones = self._time_zones(number_type, national)
                    return Line(region.code, TYPE_NAMES[number_type], zones)
                if region.leading is not None or not self._shared:
                    return None
        return None

    def _time_zones(self, number_type: int, national: str) -> tuple[str, ...]:
        """Zones of the number's place, or of the whole country for a type that has none."""
        if number_type not in self._places:
            return self._own_zones
        start = national[: self._zone_digits]
        zones = self._zones.get(start)
        if zones is None:
            zones = self._zones[start] = _zones_of(f"{self.country_code}{start}")
        return zones


class _Region:
    """One region of a plan; its matchers are compiled when a length is first seen."""

    def __init__(self, code: str, metadata: PhoneMetadata) -> None:
        self.code = code
        self.metadata = metadata
        self.leading_digits: str | None = metadata.leading_digits
        self.leading = re.compile(self.leading_digits).match if self.leading_digits else None
        self._matchers: dict[int, _Matcher] = {}

    def type_of(self, national: str) -> int | None:
        """The library's number type, or None where it says unknown."""
        length = len(national)
        matcher = self._matchers.get(length)
        if matcher is None:
            matcher = self._matchers[length] = _Matcher(self.metadata, length)
        return matcher.type_of(national)


_Guard = Callable[[str], re.Match[str] | None]


def _runs(regions: list[_Region]) -> list[tuple[_Guard | None, list[_Region]]]:
    """Neighbours told by leading digits, behind one expression that passes over all of them."""
    runs: list[tuple[_Guard | None, list[_Region]]] = []
    for guarded, group in groupby(regions, lambda region: region.leading_digits is not None):
        members = list(group)
        guard = None
        if guarded:
            guard = re.compile("|".join(f"(?:{m.leading_digits})" for m in members)).match
        runs.append((guard, members))
    return runs


class _Matcher:
    """Types of the numbers of one region and length, decided by one combined expression."""

    def __init__(self, metadata: PhoneMetadata, length: int) -> None:
        general = general_desc(metadata)
        branches = [
            (getattr(PhoneNumberType, kind.upper()), _pattern(getattr(metadata, kind), length))
            for kind in _KINDS
        ]
        fixed, mobile = _pattern(metadata.fixed_line, length), _pattern(metadata.mobile, length)
        either = PhoneNumberType.FIXED_LINE_OR_MOBILE
        if metadata.same_mobile_and_fixed_line_pattern:
            branches.append((either, fixed))
        else:
            both = f"(?={fixed}\\Z){mobile}" if fixed and mobile else None
            branches += [(either, both), (PhoneNumberType.FIXED_LINE, fixed)]
            branches.append((PhoneNumberType.MOBILE, mobile))
        known = [(kind, pattern) for kind, pattern in branches if pattern is not None]
        self._kinds = (0, *(kind for kind, _ in known))
        self._possible = bool(known) and _pattern(general, length) is not None
        self._general = re.compile(general.national_number_pattern or "").fullmatch
        self._match = re.compile("|".join(f"({pattern})" for _, pattern in known)).fullmatch

    def type_of(self, national: str) -> int | None:
        """The library's number type, or None where it says unknown."""
        if not self._possible:
            return None
        match = self._match(national)
        if match is None or self._general(national) is None:
            return None
        return int(self._kinds[match.lastindex or 0])


@cache
def plan(country_code: int) -> Plan | None:
    """The plan of a country calling code; None when nobody was given that code."""
    return Plan(country_code) if country_code in _REGIONS else None


def _region(country_code: int, code: str) -> _Region:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(country_code, code)
    assert metadata is not None  # every code of the library's own table has its metadata
    return _Region(code, metadata)


def general_desc(metadata: PhoneMetadata) -> PhoneNumberDesc:
    """What all numbers of a region have in common."""
    assert metadata.general_desc is not None
    return metadata.general_desc


def _pattern(desc: PhoneNumberDesc | None, length: int) -> str | None:
    if desc is None or desc.national_number_pattern is None:
        return None
    if desc.possible_length and length not in desc.possible_length:
        return None
    # Inner groups would shift the numbers of the branches.
    return f"(?:{re.sub(_CAPTURE, '(?:', desc.national_number_pattern)})"


_CAPTURE = re.compile(r"(?<!\\)\((?!\?)")


@cache
def _zone_digits(code: str) -> int:
    """How many national digits the zones of a country depend on, at most."""
    return max((len(key) - len(code) for key in TIMEZONE_DATA if key.startswith(code)), default=0)


def _zones_of(digits: str) -> tuple[str, ...]:
    for size in range(min(len(digits), int(TIMEZONE_LONGEST_PREFIX)), 0, -1):
        zones = TIMEZONE_DATA.get(digits[:size])
        if zones is not None:
            return tuple(zones)
    return _UNKNOWN_ZONES
