"""Google Geocoding: what its operations are, cost and may be kept, and how its answers are read.

Both versions are reduced at once to what the terms let us keep: the place id, without a time limit,
and the point with its granularity, for 29 days; a formatted address is never stored. v3 tells of
partial matches, v4 does not: unknown there (F37). Price: list price as read in 2026, before the
month's free allowance. Retention: RULES, Google geocode latitude/longitude.

Columns, of `enrichment.geocodes`: latitude, longitude, accuracy, partial_match, place_id,
confidence (0 to 100, a scale of ours); of `enrichment.reverse_geocodes`: latitude, longitude,
accuracy, place_id, of the address at a point.

Belongs here: data and pure parsing. Does not: requests (see `google_geocoding_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.core.subjects import AddressKey
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields

PROVIDER = "google_geocoding"

OPERATIONS: Mapping[str, Operation] = {
    "geocode": Operation("geocode", "address", "google_geocode", timedelta(days=29)),
    "reverse_geocode": Operation("reverse_geocode", "point", "google_geocode", timedelta(days=29)),
}

PRICES: tuple[Price, ...] = tuple(
    Price(PROVIDER, name, 5_000, "Google Maps: $5 per 1,000", date(2026, 10, 1))
    for name in OPERATIONS
)

_READ = Fields("Google Geocoding")
_ACCURACY: Mapping[str, tuple[str, int]] = {
    "ROOFTOP": ("rooftop", 95),
    "RANGE_INTERPOLATED": ("interpolated", 80),
    "GEOMETRIC_CENTER": ("center", 50),
    "APPROXIMATE": ("approximate", 30),
}
_PARTIAL = 40
_AT_A_POINT = ("latitude", "longitude", "accuracy", "place_id")


def one_line(subject: str) -> str:
    """An address subject as people write it on one line."""
    key = AddressKey.parse(subject)
    parts = (
        f"{key.street} unit {key.unit}" if key.unit else key.street,
        key.city,
        f"{key.state} {key.postal_code}".strip(),
        key.country,
    )
    return ", ".join(part for part in parts if part)


def kept_v4(result: Mapping[str, Any]) -> dict[str, Any]:
    """What may be kept of a result of v4."""
    point = _READ.part(result, "location")
    return {
        "place_id": result.get("placeId"),
        "latitude": point.get("latitude"),
        "longitude": point.get("longitude"),
        "granularity": result.get("granularity"),
        "partial_match": None,
    }


def kept_v3(result: Mapping[str, Any]) -> dict[str, Any]:
    """What may be kept of a result of v3; it leaves `partial_match` out where it is false."""
    geometry = _READ.part(result, "geometry")
    point = _READ.part(geometry, "location")
    return {
        "place_id": result.get("place_id"),
        "latitude": point.get("lat"),
        "longitude": point.get("lng"),
        "granularity": geometry.get("location_type"),
        "partial_match": result.get("partial_match", False),
    }


def text_of(result: Mapping[str, Any]) -> str:
    """The address as Google writes it, for whoever looks at it now: it is stored nowhere."""
    written = result.get("formattedAddress") or result.get("formatted_address")
    return written[:320] if isinstance(written, str) and written.isprintable() else ""


def parse_reverse_geocode(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.reverse_geocodes`; all empty where nothing was found."""
    found = parse_geocode(answer)
    return {name: found[name] for name in _AT_A_POINT if found}


def parse_geocode(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.geocodes`; all empty where nothing was found."""
    result = _READ.part(answer, "result")
    if not result:
        return {}
    latitude = _READ.number(result, "latitude", -90, 90)
    longitude = _READ.number(result, "longitude", -180, 180)
    if latitude is None or longitude is None:
        raise BadResponse("Google Geocoding: a result has no point.")
    partial = _READ.flag(result, "partial_match")
    accuracy, confidence = _ACCURACY.get(_READ.text(result, "granularity", 40) or "", (None, None))
    if partial:
        confidence = min(confidence or _PARTIAL, _PARTIAL)
    return {
        "latitude": latitude,
        "longitude": longitude,
        "accuracy": accuracy,
        "partial_match": partial,
        "place_id": _READ.text(result, "place_id", 300),
        "confidence": confidence,
    }
