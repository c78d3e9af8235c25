"""Google Address Validation as the sandbox plays it; contract `google_addressvalidation_v1`.

Quirks: USPS data only where they were asked for and the address is American; a house with flats
that is asked without one is confirmed with its unit missing (dpvConfirmation D); a street without a
house number is known as a route at best.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.google_geocoding import (
    GOOGLE_ERRORS,
    google_failure,
    key_refusal,
    without_unit,
)
from bulk_lookup_dagster.sandbox.places import locate
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    PlainSimulator,
    Reply,
    json_object,
    json_reply,
)

_CONFIRMED_SHARE, _RESIDENTIAL_SHARE, _FLATS_SHARE = 0.9, 0.7, 0.1


class GoogleAddress(PlainSimulator):
    """The vendor; any key but `wrong` is one of ours."""

    name = "google_address"
    prices: Mapping[str, int] = {"validate_address": 17_000}
    errors = GOOGLE_ERRORS

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The address on one line."""
        return _line(_address(request)), ("validate_address",)

    def answer(self, request: Request) -> Reply:
        """The verdict on an address, or a refusal."""
        if request.method != "POST" or request.path != "/v1:validateAddress":
            return google_failure(404, "NOT_FOUND", "Not found")
        refusal = key_refusal(request.header(b"x-goog-api-key"))
        if refusal is not None:
            return refusal
        address = _address(request)
        if not address.get("addressLines"):
            return google_failure(400, "INVALID_ARGUMENT", "Address lines missing from request.")
        usps = json_object(request.body).get("enableUspsCass") is True
        line = _line(address)
        body = {"result": _result(address, line, usps=usps), "responseId": f"{draw(line):016x}"}
        return json_reply(body, billed=((line, "validate_address"),))


def _address(request: Request) -> Mapping[str, Any]:
    try:
        address = json_object(request.body).get("address")
    except InputError:
        return {}
    return address if isinstance(address, dict) else {}


def _line(address: Mapping[str, Any]) -> str:
    parts = [*address.get("addressLines", ()), address.get("locality"), address.get("postalCode")]
    return ", ".join(str(part) for part in parts if part)


def _result(address: Mapping[str, Any], line: str, *, usps: bool) -> dict[str, Any]:
    street = without_unit(address["addressLines"][0])
    unit = street != address["addressLines"][0]
    names = ("locality", "administrativeArea", "postalCode")
    point = locate(street, *(str(address.get(name, "")) for name in names))
    known = point is not None and knows("google_address", "known", street, _CONFIRMED_SHARE)
    granularity = "OTHER" if point is None else "ROUTE" if not point.exact else "PREMISE"
    granularity = "SUB_PREMISE" if granularity == "PREMISE" and unit else granularity
    verdict: dict[str, Any] = {
        "inputGranularity": granularity,
        "validationGranularity": granularity,
        "geocodeGranularity": granularity,
        "addressComplete": known,
    }
    if not known:
        verdict["hasUnconfirmedComponents"] = True
    result: dict[str, Any] = {"verdict": verdict, "metadata": _metadata(street)}
    if usps and address.get("regionCode") == "US":
        flats = not unit and knows("google_address", "flats", street, _FLATS_SHARE)
        exact = known and point is not None and point.exact
        result["uspsData"] = {"dpvConfirmation": "N" if not exact else "D" if flats else "Y"}
    return result


def _metadata(street: str) -> dict[str, bool]:
    if street.startswith("po box"):
        return {"poBox": True}
    residential = knows("google_address", "residential", street, _RESIDENTIAL_SHARE)
    return {"residential": residential, "business": not residential}
