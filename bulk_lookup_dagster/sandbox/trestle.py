"""Trestle as the sandbox plays it; shapes of contract `trestle`.

Quirks: a wrong or missing key is 403 INVALID_API_KEY, a wrong path 403 MISSING_API_KEY; errors come
in both of the vendor's forms; some answers are partial (`error` inside a 200).

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from bulk_lookup_dagster.sandbox import world
from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.places import Address, locate
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    PlainSimulator,
    Reply,
    json_reply,
    parameter,
    refused,
)

_PATHS = {"/3.2/phone": "reverse_phone", "/3.0/phone_intel": "phone_intel"}
_LINE_TYPES = {
    "mobile": "Mobile",
    "landline": "Landline",
    "fixedVoip": "FixedVOIP",
    "nonFixedVoip": "NonFixedVOIP",
    "premium": "Premium",
    "tollFree": "TollFree",
    "voicemail": "Voicemail",
}
_OWNER_SHARE, _PARTIAL_SHARE = 0.84, 0.02
_PARTIAL = {"name": "InternalError", "message": "Could not retrieve entire response"}


class Trestle(PlainSimulator):
    """The vendor; any key but `wrong` is one of ours."""

    name = "trestle"
    prices: Mapping[str, int] = {"reverse_phone": 70_000, "phone_intel": 15_000}
    errors: Mapping[str, tuple[int, Any]] = {
        "unauthorised": (401, {"error": "UNAUTHORIZED", "message": "Unauthorized"}),
        "forbidden": (403, {"errorCode": "FORBIDDEN", "message": "Forbidden", "hint": ""}),
        "rate_limited": (429, {"errorCode": "RATE_LIMIT_EXCEEDED", "message": "Slow down"}),
        "rate_limited_bare": (429, {"error": "RATE_LIMIT_EXCEEDED", "message": "Slow down"}),
        "server_error": (500, {"error": "INTERNAL", "message": "Internal server error"}),
    }

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The number and the product."""
        return parameter(request, "phone"), (_PATHS.get(request.path, request.path),)

    def answer(self, request: Request) -> Reply:
        """One product about one number, or a refusal in the vendor's words."""
        operation = _PATHS.get(request.path)
        if operation is None or request.method != "GET":
            return refused(403, {"errorCode": "MISSING_API_KEY", "message": "Forbidden"})
        if request.header(b"x-api-key") in ("", "wrong"):
            message = {"errorCode": "INVALID_API_KEY", "message": "Forbidden", "hint": "Check it"}
            return refused(403, message)
        number = parameter(request, "phone")
        if not number:
            return refused(400, {"error": "BAD_REQUEST", "message": "phone is required"})
        told = world.phone(number if number.startswith("+") else f"+1{number}")
        body = _reverse(told) if operation == "reverse_phone" else _intel(told)
        return json_reply(body, billed=((told.number, operation),))


def _id(kind: str, key: str) -> str:
    high, low = draw(kind, key, "high"), draw(kind, key, "low")
    return f"{kind}.{UUID(int=high << 64 | low)}"


def _shared(told: world.Phone) -> dict[str, Any]:
    partial = knows("trestle", "partial", told.number, _PARTIAL_SHARE)
    return {
        "id": _id("Phone", told.number),
        "phone_number": told.number.removeprefix("+1"),
        "is_valid": told.valid,
        "country_calling_code": "1" if told.region == "US" else None,
        "line_type": _LINE_TYPES.get(told.line_type, "Other") if told.valid else None,
        "carrier": told.carrier if told.valid else None,
        "is_prepaid": told.prepaid if told.valid else None,
        "error": _PARTIAL if partial and told.valid else None,
        "warnings": [] if told.valid else ["Invalid Input"],
    }


def _reverse(told: world.Phone) -> dict[str, Any]:
    body = _shared(told)
    share = _OWNER_SHARE if told.region == "US" else _OWNER_SHARE / 4
    known = told.valid and told.owner and knows("trestle", "owner", told.number, share)
    partial = body["error"] is not None
    body["is_commercial"] = told.commercial if known else None
    body["owners"] = [_owner(told, told.owner)] if known and told.owner and not partial else []
    return body


def _owner(told: world.Phone, owner: world.Person | world.Company) -> dict[str, Any]:
    business = isinstance(owner, world.Company)
    person = owner if isinstance(owner, world.Person) else None
    kind = "Business" if business else "Person"
    since = 2012 + draw("since", told.number) % 12
    return {
        "id": _id(kind, f"{owner.name} {owner.address.line}"),
        "name": owner.name,
        "firstname": person.first if person else None,
        "middlename": None,
        "lastname": person.last if person else None,
        "alternate_names": [],
        "age_range": person.age_range if person else None,
        "gender": None,
        "type": kind,
        "link_to_phone_start_date": f"{since}-03-23",
        "industry": [owner.industry] if isinstance(owner, world.Company) else None,
        "current_addresses": [_address(owner.address)],
    }


def _address(address: Address) -> dict[str, Any]:
    point = locate(address.street, address.city, address.state, address.postal_code)
    return {
        "id": _id("Location", address.line),
        "location_type": "Address",
        "street_line_1": address.street,
        "street_line_2": address.unit or None,
        "city": address.city,
        "postal_code": address.postal_code,
        "zip4": f"{address.postal_code}-{draw('zip4', address.line) % 9000 + 1000}",
        "state_code": address.state,
        "country_code": address.country,
        "lat_long": {
            "latitude": None if point is None else point.latitude,
            "longitude": None if point is None else point.longitude,
            "accuracy": "RoofTop",
        },
        "is_active": True,
        "delivery_point": "MultiUnit" if address.unit else "SingleUnit",
        "link_to_person_start_date": None,
    }


def _intel(told: world.Phone) -> dict[str, Any]:
    return {
        **_shared(told),
        "activity_score": told.activity if told.valid else None,
        "country_code": told.region or None,
        "country_name": "United States" if told.region == "US" else None,
        "add_ons": None,
    }
