"""Points on earth as people write them, in one spelling, or the reason why one is none.

Two points that agree in six decimals of a degree, a tenth of a metre, are one subject: whoever asks
about it again is answered from what was bought.

Belongs here: reading. Does not: what is there (vendors say).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

DECIMALS = 6
_STEP = Decimal(1).scaleb(-DECIMALS)
_NUMBER = r"[+-]?\d{1,3}(?:\.\d{0,20})?"
_POINT = re.compile(rf"({_NUMBER})(?:\s*[,;]\s*|\s+)({_NUMBER})", re.ASCII)
REASONS = {
    "empty": "nothing is written there",
    "not_a_point": "write latitude and longitude in degrees: 33.448400,-112.074000",
    "swapped": "the longitude comes first: a latitude is at most 90, write it before",
    "latitude_beyond_90": "a latitude is from -90 to 90",
    "longitude_beyond_180": "a longitude is from -180 to 180",
    "named_twice": "it was named before",
}


class Refused(NamedTuple):
    """What is no point: where it stood, what was written, a key of `REASONS`."""

    where: str
    text: str
    reason: str


class Points(NamedTuple):
    """Points in canonical text, each once, in the order given; and the refused."""

    accepted: list[str]
    refused: list[Refused]


def read_point(text: str) -> tuple[str, str]:
    """The canonical text and '', or '' and the reason: a key of `REASONS`."""
    written = text.strip()
    if not written:
        return "", "empty"
    found = _POINT.fullmatch(written)
    if found is None:
        return "", "not_a_point"
    latitude, longitude = Decimal(found[1]), Decimal(found[2])
    if abs(latitude) > 90:
        swapped = abs(latitude) <= 180 and abs(longitude) <= 90
        return "", "swapped" if swapped else "latitude_beyond_90"
    if abs(longitude) > 180:
        return "", "longitude_beyond_180"
    return f"{_rounded(latitude)},{_rounded(longitude)}", ""


def read_points(texts: Iterable[tuple[str, str]]) -> Points:
    """All of them, given as where each stands and what is written; each point once."""
    read = Points([], [])
    seen: set[str] = set()
    for where, text in texts:
        point, reason = read_point(text)
        if point in seen:
            reason = "named_twice"
        if reason:
            read.refused.append(Refused(where, text.strip()[:40], reason))
        else:
            seen.add(point)
            read.accepted.append(point)
    return read


def coordinates(point: str) -> tuple[float, float]:
    """Latitude and longitude of a canonical text."""
    latitude, longitude = point.split(",")
    return float(latitude), float(longitude)


def _rounded(degrees: Decimal) -> Decimal:
    # Adding zero makes -0 the 0 it is.
    return degrees.quantize(_STEP) + 0 * _STEP
