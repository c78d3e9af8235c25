"""Street lines: house number, street and unit, each in one spelling.

Belongs here: rules about one street line. Does not: geocoding, cities (`matching.normalise`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bulk_lookup_dagster.core.text_folding import fold, words

_WORDS = {
    "street": "st",
    "str": "st",
    "strt": "st",
    "avenue": "ave",
    "av": "ave",
    "road": "rd",
    "drive": "dr",
    "drv": "dr",
    "lane": "ln",
    "court": "ct",
    "boulevard": "blvd",
    "blv": "blvd",
    "boul": "blvd",
    "place": "pl",
    "square": "sq",
    "terrace": "ter",
    "parkway": "pkwy",
    "highway": "hwy",
    "circle": "cir",
    "crescent": "cres",
    "close": "cl",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
    "saint": "st",
    "mount": "mt",
    "first": "1st",
    "second": "2nd",
    "third": "3rd",
    "fourth": "4th",
    "fifth": "5th",
    "sixth": "6th",
    "seventh": "7th",
    "eighth": "8th",
    "ninth": "9th",
    "tenth": "10th",
    "circuit": "cct",
    "parade": "pde",
    "crt": "ct",
    "cnr": "corner",
    "fort": "ft",
}
_UNIT_WORDS = frozenset("apt apartment unit suite ste room rm flat floor fl no".split())
_HOUSE = re.compile(r"(\d+)[a-z]?")
HOUSE_AND_REST = r"([0-9]+[A-Za-z]?) +([^\s].*)"
"""A line that plainly starts with its house number; the rest is read without it."""
_LEADING = re.compile(HOUSE_AND_REST)
_UNIT = re.compile(r"#\s*(\w+)")


@dataclass(frozen=True, slots=True)
class StreetLine:
    """A street line as it is compared; each part may be empty."""

    house: str = ""
    street: str = ""
    unit: str = ""


def parse_street(line: str) -> StreetLine:
    """`1200 N. Main Street, Apt 4` is house 1200, street `n main st`, unit 4."""
    if found := _LEADING.fullmatch(line):
        return StreetLine(found[1].lower(), *street_and_unit(found[2]))
    tokens, unit = _without_number_sign(line)
    house = ""
    if tokens and _HOUSE.fullmatch(tokens[0]):
        house, tokens = tokens[0], tokens[1:]
    elif len(tokens) > 1 and tokens[-1].isdecimal():
        house, tokens = tokens[-1], tokens[:-1]
    return StreetLine(house, *_read(tokens, unit))


def street_and_unit(rest: str) -> tuple[str, str]:
    """What follows a house number: `N. Main Street #4` is `n main st` and 4."""
    return _read(*_without_number_sign(rest))


def _without_number_sign(line: str) -> tuple[list[str], str]:
    folded = fold(line)
    if "#" in folded and (found := _UNIT.search(folded)):
        return words(folded[: found.start()]), found[1]
    return words(folded), ""


def _read(tokens: list[str], unit: str) -> tuple[str, str]:
    for place in range(1, len(tokens)):
        if tokens[place] in _UNIT_WORDS:
            unit = "".join(tokens[place + 1 :]) or unit
            tokens = tokens[:place]
            break
    return " ".join(_WORDS.get(token, token) for token in tokens), unit
