"""NumVerify as the sandbox plays it; shapes of contract `derived_numverify`.

Quirks: every failure of `/validate` is HTTP 200 with `success: false`; the key comes in the address
(apilayer.net) or in the header `apikey` (marketplace, which refuses with 401); an unknown number
has an empty carrier, and its line type is null.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bulk_lookup_dagster.sandbox import world
from bulk_lookup_dagster.sandbox.draws import draw, knows, pick
from bulk_lookup_dagster.sandbox.places import town_of_area
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    PlainSimulator,
    Reply,
    json_reply,
    parameter,
    refused,
)

_COUNTRIES = {
    "US": ("+1", "United States of America"),
    "GB": ("+44", "United Kingdom of Great Britain and Northern Ireland"),
    "DE": ("+49", "Germany"),
    "FR": ("+33", "France"),
}
_LINE_TYPES = {
    "mobile": "mobile",
    "landline": "landline",
    "fixedVoip": "landline",
    "nonFixedVoip": "mobile",
    "tollFree": "toll_free",
    "premium": "premium_rate",
    "uan": "special_services",
    "sharedCost": "special_services",
    "pager": "paging",
}
_KINDS = ("mobile", "landline")
_CARRIER_SHARE = 0.86
_AGREES_SHARE = 0.93


class Numverify(PlainSimulator):
    """The vendor; any key but `wrong` is one of ours."""

    name = "numverify"
    prices: Mapping[str, int] = {"validate": 2_000}
    errors: Mapping[str, tuple[int, Any]] = {
        "unauthorised": (401, {"message": "Invalid authentication credentials"}),
        "forbidden": (403, {"message": "You cannot consume this service"}),
        "rate_limited_bare": (200, {"success": False, "error": {"code": 106}}),
    }

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The number as E.164."""
        return f"+{parameter(request, 'number')}", ("validate",)

    def answer(self, request: Request) -> Reply:
        """One validation, or a refusal in the vendor's words."""
        if request.method != "GET" or request.path != "/validate":
            return refused(404, {"message": "no Route matched with those values"})
        marketplace = request.header(b"apikey")
        key = marketplace or parameter(request, "access_key")
        if marketplace == "wrong":
            return refused(401, {"message": "Invalid authentication credentials"})
        if key in ("", "wrong"):
            return refused(200, _failure(101, "invalid_access_key"))
        number = parameter(request, "number")
        if not number:
            return refused(200, _failure(210, "no_phone_number_provided"))
        if not number.isdigit():
            return refused(200, _failure(211, "non_numeric_phone_number_provided"))
        return json_reply(_validation(number), billed=((f"+{number}", "validate"),))


def _failure(code: int, kind: str) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "type": kind, "info": kind}}


def _validation(number: str) -> dict[str, Any]:
    told = world.phone(f"+{number}")
    if not told.valid or not told.region:
        return {
            "valid": False,
            "number": number,
            **dict.fromkeys(
                (
                    "local_format",
                    "international_format",
                    "country_prefix",
                    "country_code",
                    "country_name",
                    "location",
                    "carrier",
                ),
                "",
            ),
            "line_type": None,
        }
    prefix, country = _COUNTRIES.get(told.region, (f"+{number[:2]}", told.region))
    known = knows("numverify", "carrier", number, _CARRIER_SHARE)
    town = town_of_area(number[1:4]) if told.region == "US" else None
    return {
        "valid": True,
        "number": number,
        "local_format": number.removeprefix(prefix[1:]),
        "international_format": f"+{number}",
        "country_prefix": prefix,
        "country_code": told.region,
        "country_name": country,
        "location": town.city if town else "",
        "carrier": told.carrier if known else "",
        "line_type": _line_type(told) if known else None,
    }


def _line_type(told: world.Phone) -> str | None:
    """Mostly what the others say: a second opinion that never differed would be none."""
    if knows("numverify", "agrees", told.number, _AGREES_SHARE):
        return _LINE_TYPES.get(told.line_type)
    return pick(_KINDS, draw("numverify", told.number))
