"""US Census geocoder: what its operation is, costs and may be kept, and how its answer is read.

The batch geocoder answers in CSV without a header: id, address as sent, `Match`, `No_Match` or
`Tie`, then of a match its type (`Exact`, `Non_Exact`), the matched address, "longitude,latitude",
TIGER line and side, and the codes of state, county, tract and block. Points are interpolated along
address ranges, never rooftops. Free and without a key. Retention: RULES, public domain, kept.

Columns, of `enrichment.geocodes`: latitude, longitude, accuracy, partial_match, census_block,
matched_address, confidence (0 to 100, a scale of ours).

Belongs here: data and pure parsing. Does not: requests (see `census_client`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from io import StringIO
from typing import Any

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.core.subjects import AddressKey
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields

PROVIDER = "census"
MAX_ADDRESSES = 10_000
EXACT, NON_EXACT = 85, 60

OPERATIONS: Mapping[str, Operation] = {
    "geocode": Operation("geocode", "address", "us_census", None, on_unknown="ask_again"),
}

PRICES: tuple[Price, ...] = (
    Price(PROVIDER, "geocode", 0, "US Census Bureau: free", date(2026, 11, 1)),
)

Part = dict[str, Any]

_READ = Fields("US Census")
_UNMATCHED = ("No_Match", "Tie")
_COLUMNS_OF_MATCH = 12


def batch_file(addresses: Iterable[tuple[int, str]]) -> bytes:
    """The file of a batch: id, street, city, state, postal code of each (id, address subject).

    Units are left out: ranges of house numbers know none. So is what follows a ZIP's fifth digit.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for number, subject in addresses:
        key = AddressKey.parse(subject)
        writer.writerow((number, key.street, key.city, key.state, key.postal_code[:5]))
    return out.getvalue().encode()


def read_batch(text: str) -> dict[str, Part]:
    """Each row's part by its id, in whatever order they came; raises `BadResponse`."""
    try:
        rows = [row for row in csv.reader(StringIO(text), strict=True) if row]
    except csv.Error:
        raise BadResponse("US Census: the answer is not CSV.") from None
    return {row[0]: _part(row) for row in rows}


def _part(row: list[str]) -> Part:
    if len(row) >= 3 and row[2] in _UNMATCHED:
        return {"match": row[2]}
    if len(row) < _COLUMNS_OF_MATCH or row[2] != "Match":
        raise BadResponse("US Census: a row has neither a match nor says that there is none.")
    longitude, _, latitude = row[5].partition(",")
    return {
        "match": "Match",
        "type": row[3],
        "address": row[4],
        "longitude": _number(longitude),
        "latitude": _number(latitude),
        "block": "".join(row[8:12]),
    }


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadResponse("US Census: a coordinate is not a number.") from None


def parse_geocode(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.geocodes`; all empty where nothing matched."""
    if answer.get("match") != "Match":
        return {}
    exact = _READ.text(answer, "type", 20) == "Exact"
    latitude = _READ.number(answer, "latitude", -90, 90)
    longitude = _READ.number(answer, "longitude", -180, 180)
    block = _READ.text(answer, "block", 15)
    if latitude is None or longitude is None:
        raise BadResponse("US Census: a match has no coordinates.")
    if block is not None and not (block.isdecimal() and len(block) == 15):
        raise BadResponse("US Census: block is not 15 digits.")
    return {
        "latitude": latitude,
        "longitude": longitude,
        "accuracy": "interpolated",
        "partial_match": not exact,
        "census_block": block,
        "matched_address": _READ.text(answer, "address", 320),
        "confidence": EXACT if exact else NON_EXACT,
    }
