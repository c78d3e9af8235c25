"""Trestle: what its operations are, cost and may be kept, and how their answers are read.

Shapes: contract `trestle`; every field but a list may be null. Prices: Trestle's self-serve prices
as read in 2026. Retention: RULES, "e-mail, company, people vendors" 180 days for who is reached,
line status 30 days. Trestle's terms restrict marketing use unless the order allows it: that is for
the operator to confirm.

Columns, of `enrichment.reverse_phones`: owner_name, owner_type (person|business), owners (the
whole list, JSON), street, city, state_region, postal_code, country, carrier, line_type, is_prepaid,
is_commercial; of `enrichment.line_statuses`: line_status, activity_score, is_cell.

Belongs here: data and pure parsing. Does not: requests (see `trestle_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields, Part
from resources.phone_owners import owner_columns

PROVIDER = "trestle"
PRICES_AS_OF = date(2026, 10, 1)
CONNECTED_FROM, DISCONNECTED_TO = 70, 30

OPERATIONS: Mapping[str, Operation] = {
    "reverse_phone": Operation("reverse_phone", "phone", "trestle_people", timedelta(days=180)),
    "phone_intel": Operation("phone_intel", "phone", "trestle_line_status", timedelta(days=30)),
}

PRICES: tuple[Price, ...] = (
    Price(PROVIDER, "reverse_phone", 70_000, "Trestle self-serve: $0.07", PRICES_AS_OF),
    Price(PROVIDER, "phone_intel", 15_000, "Trestle self-serve: $0.015", PRICES_AS_OF),
)

_READ = Fields("Trestle")
_LINE_TYPES: Mapping[str, str] = {
    "Landline": "landline",
    "Mobile": "mobile",
    "FixedVOIP": "fixedVoip",
    "NonFixedVOIP": "nonFixedVoip",
    "Premium": "premium",
    "TollFree": "tollFree",
    "Voicemail": "voicemail",
    "Other": "unknown",
}


def _line_type(answer: Part) -> str | None:
    name = _READ.text(answer, "line_type", 30)
    return None if name is None else _LINE_TYPES.get(name, name)


def _address(part: Part) -> dict[str, Any]:
    lines = [_READ.text(part, name, 200) for name in ("street_line_1", "street_line_2")]
    place = _READ.part(part, "lat_long")
    return {
        "street": ", ".join(line for line in lines if line)[:300] or None,
        "city": _READ.text(part, "city", 100),
        "state_region": _READ.text(part, "state_code", 100),
        "postal_code": _READ.text(part, "postal_code", 20),
        "country": _READ.text(part, "country_code", 2),
        "latitude": _READ.number(place, "latitude", -90, 90),
        "longitude": _READ.number(place, "longitude", -180, 180),
        "accuracy": _READ.text(place, "accuracy", 30),
        "delivery_point": _READ.text(part, "delivery_point", 30),
    }


def _owner(part: Part) -> dict[str, Any]:
    kind = _READ.text(part, "type", 20)
    return {
        "name": _READ.text(part, "name", 200),
        "first_name": _READ.text(part, "firstname", 100),
        "last_name": _READ.text(part, "lastname", 100),
        "type": None if kind is None else kind.lower(),
        "age_range": _READ.text(part, "age_range", 20),
        "since": _READ.text(part, "link_to_phone_start_date", 10),
        "industry": _READ.texts(part, "industry", 200),
        "addresses": [_address(one) for one in _READ.parts(part, "current_addresses")],
    }


def parse_reverse_phone(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.reverse_phones`; the first owner and address speak for the number."""
    owners = [_owner(one) for one in _READ.parts(answer, "owners")]
    return owner_columns(
        owners,
        carrier=_READ.text(answer, "carrier", 200),
        line_type=_line_type(answer),
        is_prepaid=_READ.flag(answer, "is_prepaid"),
        is_commercial=_READ.flag(answer, "is_commercial"),
    )


def parse_phone_intel(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.line_statuses`; a score between the two bounds tells nothing (F37)."""
    score = _READ.whole(answer, "activity_score")
    kind = _line_type(answer)
    return {
        "line_status": _status(score, valid=_READ.flag(answer, "is_valid")),
        "activity_score": score,
        "is_cell": None if kind is None or kind == "unknown" else kind == "mobile",
    }


def _status(score: int | None, *, valid: bool | None) -> str:
    if valid is False:
        return "invalid"
    if score is None or DISCONNECTED_TO < score < CONNECTED_FROM:
        return "unknown"
    return "connected" if score >= CONNECTED_FROM else "disconnected"
