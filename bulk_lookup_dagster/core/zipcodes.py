"""ZIP codes of the United States as people write them, or the reason why one is none.

Belongs here: reading. Does not: where a ZIP code is (vendors say).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_ZIPCODE = re.compile(r"(\d{5})(?:-?\d{4})?", re.ASCII)
_LOWEST = "00501"
REASONS = {
    "empty": "nothing is written there",
    "not_a_zipcode": "a ZIP code has five digits, or nine with a hyphen after the fifth",
    "lost_leading_zero": "four digits: a spreadsheet may have dropped the zero in front",
    "not_given_out": f"no ZIP code is below {_LOWEST}",
    "named_twice": "it was named before",
}


class Zipcodes(NamedTuple):
    """ZIP codes of five digits, each once, in the order given; and the refused with a reason."""

    accepted: list[str]
    refused: list[tuple[str, str]]


def read_zipcode(text: str) -> tuple[str, str]:
    """The five digits and '', or '' and the reason: a key of `REASONS`."""
    written = text.strip()
    if not written:
        return "", "empty"
    found = _ZIPCODE.fullmatch(written)
    if found is None:
        four = len(written) == 4 and written.isascii() and written.isdecimal()
        return "", "lost_leading_zero" if four else "not_a_zipcode"
    return ("", "not_given_out") if found[1] < _LOWEST else (found[1], "")


def read_zipcodes(texts: Iterable[str]) -> Zipcodes:
    """All of them, each ZIP code once."""
    read = Zipcodes([], [])
    seen: set[str] = set()
    for text in texts:
        zipcode, reason = read_zipcode(text)
        if zipcode in seen:
            reason = "named_twice"
        if reason:
            read.refused.append((text.strip()[:40], reason))
        else:
            seen.add(zipcode)
            read.accepted.append(zipcode)
    return read
