"""Numbering plans: what libphonenumber's metadata say about one country code, precompiled.

Belongs here: exactly the library's answers (region, type, time zones, possible lengths) for a
country code and a national number, several times faster. Does not: reading text (`core.phone`).
The patterns are the library's own; only the order of its checks is written out, and a test
compares both on random numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby
from typing import NamedTuple

from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE as _REGIONS
from phonenumbers.phonemetadata import PhoneNumberDesc
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from bulk_lookup_dagster.core.digit_patterns import RegionRules, settled

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
# First digits that are looked up before the whole number is matched, once they came this often.
_STARTS = (4, 6)
_OFTEN = 20
_MOST_SEEN = 20_000
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
        self.code = str(country_code)
        self._regions = [_region(country_code, code) for code in codes]
        main = self._regions[0][1]
        general = general_desc(main)
        self.lengths = tuple(general.possible_length)
        self.local_lengths = tuple(general.possible_length_local_only)
        prefix = main.national_prefix_for_parsing
        self._national_prefix = re.compile(prefix).match if prefix else None
        self._literal_prefix = prefix if prefix and prefix.isdecimal() else None
        self._tables: dict[int, _Table] = {}
        self._zone_digits = _zone_digits(self.code)
        self._places = frozenset(
            kind for kind in TYPE_NAMES if is_number_type_geographical(kind, country_code)
        )

    def has_national_prefix(self, national: str) -> bool:
        """Whether the number starts with what the library might strip as a trunk prefix."""
        if self._literal_prefix is not None:
            return national.startswith(self._literal_prefix)
        if self._national_prefix is None:
            return False
        match = self._national_prefix(national)
        return match is not None and match.end() > 0

    def line(self, national: str) -> Line | None:
        """The kind of line behind a national number; None when no such number is given out."""
        table = self._tables.get(len(national))
        if table is None:
            table = self._tables[len(national)] = _table(self._regions, len(national))
        for starts in table.starts:
            start = national[: starts.size]
            line = starts.lines.get(start)
            if line is not None:
                return line
            if start not in starts.lines:
                starts.seen[start] = seen = starts.seen.get(start, 0) + 1
                if len(starts.seen) > _MOST_SEEN:
                    starts.seen.clear()
                if seen == _OFTEN:
                    left = len(national) - starts.size
                    starts.lines[start] = self._line_of_all(table, start, left)
        match = table.match(national)
        if match is None or match.lastindex is None:
            return None
        return self._line(table.kinds[match.lastindex], national)

    def _line_of_all(self, table: _Table, start: str, left: int) -> Line | None:
        """What every number of `start` and `left` more digits is, unless those matter."""
        group = settled(table.rules, start, left)
        if group is None:
            return None
        kind, place = table.kinds[group], f"{self.code}{start}"
        if kind.number_type in self._places and any(
            key.startswith(place) and key != place for key in TIMEZONE_DATA
        ):
            return None
        return self._line(kind, start)

    def _line(self, kind: _Kind, digits: str) -> Line:
        """Zones of the number's place, or of the whole country for a type that has none."""
        place = digits[: self._zone_digits] if kind.number_type in self._places else ""
        line = kind.lines.get(place)
        if line is None:
            zones = _zones_of(f"{self.code}{place}")
            line = kind.lines[place] = Line(kind.region, TYPE_NAMES[kind.number_type], zones)
        return line


class _Kind(NamedTuple):
    """What one branch of a table stands for; `lines` remembers it by the place's digits."""

    region: str
    number_type: int
    lines: dict[str, Line]


class _Starts(NamedTuple):
    """Lines by first digits, None where other digits matter; how often the rest was `seen`."""

    size: int
    lines: dict[str, Line | None]
    seen: dict[str, int]


class _Table(NamedTuple):
    """Everything numbers of one length can be: one expression whose groups are `kinds`.

    `starts` remember what all numbers of their first digits are.
    """

    match: Callable[[str], re.Match[str] | None]
    kinds: tuple[_Kind, ...]
    rules: tuple[RegionRules, ...]
    starts: tuple[_Starts, ...]


def _table(regions: list[tuple[str, PhoneMetadata]], length: int) -> _Table:
    """The library's order written as one alternation.

    It asks regions in turn. One that is told by leading digits settles the number, one way or the
    other; of the rest the first that knows a type does. Neighbours told by leading digits stand
    behind one look at all of them, because most numbers are none of theirs.
    """
    kinds = [_Kind("", 0, {})]
    rules: list[RegionRules] = []
    runs: list[str] = []
    for guarded, group in groupby(regions, lambda region: region[1].leading_digits is not None):
        branches, leads = [], []
        for code, metadata in group:
            types = _types(metadata, length)
            general = _pattern(general_desc(metadata), length)
            groups = tuple(
                (number, patterns) for number, (_, patterns) in enumerate(types, len(kinds))
            )
            rules.append(RegionRules(metadata.leading_digits, general, groups))
            kinds += (_Kind(code, number_type, {}) for number_type, _ in types)
            known = "|".join(f"({_all(patterns)})" for _, patterns in types)
            branch = rf"(?={general}\Z)(?:{known})\Z" if known and general else None
            if guarded:
                lead = re.sub(_CAPTURE, "(?:", metadata.leading_digits or "")
                leads.append(f"(?:{lead})")
                # Without a group of its own this end says: settled, and no such number.
                branch = f"(?={leads[-1]})(?:{branch}|)" if branch else f"(?={leads[-1]})"
            if branch:
                branches.append(branch)
        if branches:
            ahead = f"(?={'|'.join(leads)})" if guarded else ""
            runs.append(f"{ahead}(?:{'|'.join(branches)})")
    match = re.compile("|".join(runs) or "(?!)").match
    return _Table(
        match, tuple(kinds), tuple(rules), tuple(_Starts(size, {}, {}) for size in _STARTS)
    )


def _all(patterns: Sequence[str]) -> str:
    return "".join(rf"(?={pattern}\Z)" for pattern in patterns[:-1]) + patterns[-1]


def _types(metadata: PhoneMetadata, length: int) -> list[tuple[int, tuple[str, ...]]]:
    """Number types and their patterns, in the order in which the library asks."""
    branches: list[tuple[int, tuple[str | None, ...]]] = [
        (getattr(PhoneNumberType, kind.upper()), (_pattern(getattr(metadata, kind), length),))
        for kind in _KINDS
    ]
    fixed, mobile = _pattern(metadata.fixed_line, length), _pattern(metadata.mobile, length)
    either = PhoneNumberType.FIXED_LINE_OR_MOBILE
    if metadata.same_mobile_and_fixed_line_pattern:
        branches.append((either, (fixed,)))
    else:
        branches += [(either, (fixed, mobile)), (PhoneNumberType.FIXED_LINE, (fixed,))]
        branches.append((PhoneNumberType.MOBILE, (mobile,)))
    return [
        (kind, tuple(one for one in patterns if one))
        for kind, patterns in branches
        if all(patterns)
    ]


@cache
def plan(country_code: int) -> Plan | None:
    """The plan of a country calling code; None when nobody was given that code."""
    return Plan(country_code) if country_code in _REGIONS else None


def _region(country_code: int, code: str) -> tuple[str, PhoneMetadata]:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(country_code, code)
    assert metadata is not None  # every code of the library's own table has its metadata
    return code, metadata


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
