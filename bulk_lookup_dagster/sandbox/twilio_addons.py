"""Twilio Lookup v1 with two Marketplace add-ons as the sandbox plays it; contract
`twilio_lookups_v1`.

Quirks: the add-ons have a status of their own inside a 200; one that is not installed is absent
from the results; a number that is none is 404 with code 20404; Scout answers in one of two shapes.
The control `PUT failing {"share": N}` makes add-ons fail for so many numbers, which is not billed.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from bulk_lookup_dagster.sandbox import world
from bulk_lookup_dagster.sandbox.draws import draw, knows, pick
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import PlainSimulator, Reply, json_reply
from bulk_lookup_dagster.sandbox.twilio_account import TwilioAccount, not_found, unauthorised

_PATH = "/v1/PhoneNumbers/"
_INSTALLED = {
    "realphonevalidation_rpvturbo": "real_phone_validation",
    "icehook_scout": "icehook_scout",
}
_PORTING_SHAPE_SHARE = 0.7
_VAGUE = ("pending", "busy", "unreachable", "restricted", "ERROR")


class TwilioAddons(TwilioAccount, PlainSimulator):
    """The vendor, with both add-ons installed under their usual names."""

    name = "twilio_addons"
    prices: Mapping[str, int] = {"real_phone_validation": 60_000, "icehook_scout": 5_000}

    def __init__(self) -> None:
        super().__init__()
        self._failed_share = 0.0

    def control(self, name: str, document: Any) -> bool:
        """`PUT failing` with `{"share": S}`: add-ons that fail for that share of the numbers."""
        if name != "failing":
            return False
        self._failed_share = float(document["share"])
        return True

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The number and the add-ons."""
        names = parse_qs(request.query).get("AddOns", [])
        return request.path.removeprefix(_PATH), tuple(_INSTALLED.get(one, one) for one in names)

    def answer(self, request: Request) -> Reply:
        """What the add-ons say about a number."""
        if not self.authorised(request):
            return unauthorised()
        number = request.path.removeprefix(_PATH)
        told = world.phone(number)
        if request.method != "GET" or not request.path.startswith(_PATH) or not told.valid:
            reply = not_found()
            reply.counted = request.path.startswith(_PATH)
            return reply
        names = parse_qs(request.query).get("AddOns", [])
        results = {one: self._result(_INSTALLED[one], told) for one in names if one in _INSTALLED}
        body = {
            "caller_name": None,
            "carrier": None,
            "country_code": told.region or None,
            "phone_number": number,
            "national_format": number.removeprefix("+1"),
            "url": f"https://lookups.twilio.com{_PATH}{number}",
            "add_ons": {"status": "successful", "code": None, "message": None, "results": results},
        }
        answered = [one for one, result in results.items() if result["status"] == "successful"]
        return json_reply(body, billed=[(number, _INSTALLED[one]) for one in answered])

    def _result(self, operation: str, told: world.Phone) -> dict[str, Any]:
        shared = {"request_sid": f"XR{draw(operation, told.number):032x}"}
        if knows("twilio_addons", f"{operation} failed", told.number, self._failed_share):
            return {**shared, "status": "failed", "code": 61006, "message": "failed", "result": {}}
        result = _validation(told) if operation == "real_phone_validation" else _scout(told)
        return {**shared, "status": "successful", "code": None, "message": None, "result": result}


def _validation(told: world.Phone) -> dict[str, Any]:
    if told.activity >= 70:
        status = "connected" if told.activity > 75 else "connected-75"
    elif told.activity <= 30:
        status = "disconnected"
    else:
        status = pick(_VAGUE, draw("rpv", told.number))
    owner = told.owner.name if told.owner else ""
    return {
        "status": status,
        "error_text": "",
        "iscell": "Y" if told.line_type == "mobile" else "N",
        "cnam": owner.upper()[:15],
        "carrier": told.carrier,
    }


def _scout(told: world.Phone) -> dict[str, Any]:
    if not knows("twilio_addons", "porting shape", told.number, _PORTING_SHAPE_SHARE):
        rating = draw("scout", told.number) % 100
        return {"risk_level": rating, "spam_rating": rating, "is_spam": rating >= 60}
    return {
        "ported": "true" if told.ported else "false",
        "location_routing_number": f"{told.number[2:8]}0000" if told.ported else None,
        "operating_company_name": told.carrier.upper(),
        "operating_company_type": "WIRELESS" if told.line_type == "mobile" else "RBOC",
    }
