"""Google Geocoding as the sandbox plays it: v4 with google.rpc errors, v3 after contract
`google_maps`.

Quirks: a wrong key of v4 is 400 with the reason API_KEY_INVALID, none at all 403; v3 says
everything with a status inside a 200. v4 knows no partial matches; a street without a number is
answered by its middle, a place we do not know by nothing.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.places import Point, locate
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import PlainSimulator, Reply, json_reply, refused

_V4, _V3 = "/v4/geocode/address", "/maps/api/geocode/json"
_KNOWN_SHARE, _ROOFTOP_SHARE, _PARTIAL_SHARE = 0.97, 0.85, 0.06
_UNIT = re.compile(r"\s+(?:apt|ste|unit|suite|#)\s*\S+$", re.IGNORECASE)
_STATE_ZIP = re.compile(r"([A-Za-z]{2})?\s*(\d{5})?(?:-\d{4})?")


def google_failure(status: int, name: str, message: str, reason: str = "") -> Reply:
    """A refusal in the form of google.rpc."""
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    error = {"code": status, "message": message, "status": name}
    return refused(status, {"error": {**error, "details": details if reason else []}})


def key_refusal(key: str) -> Reply | None:
    """What Google's newer APIs say to no key and to a wrong one; None where it is one of ours."""
    if not key:
        return google_failure(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers")
    if key == "wrong":
        return google_failure(
            400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
            "API_KEY_INVALID",
        )  # fmt: skip
    return None


GOOGLE_ERRORS: Mapping[str, tuple[int, Any]] = {
    fault: (status, {"error": {"code": status, "message": "", "status": name, "details": []}})
    for fault, status, name in (
        ("unauthorised", 401, "UNAUTHENTICATED"),
        ("forbidden", 403, "PERMISSION_DENIED"),
        ("rate_limited", 429, "RESOURCE_EXHAUSTED"),
        ("rate_limited_bare", 429, "RESOURCE_EXHAUSTED"),
        ("server_error", 500, "INTERNAL"),
        ("unavailable", 503, "UNAVAILABLE"),
    )
}


class GoogleGeocoding(PlainSimulator):
    """Both versions; any key but `wrong` is one of ours."""

    name = "google_geocoding"
    prices: Mapping[str, int] = {"geocode": 5_000}
    errors = GOOGLE_ERRORS

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The address on one line."""
        return _line(request), ("geocode",)

    def answer(self, request: Request) -> Reply:
        """The best result, or a refusal in the words of the version."""
        if request.path == _V3 and request.method == "GET":
            return _answer_v3(request)
        overridden = request.header(b"x-http-method-override") == "GET"
        if not request.path.startswith(_V4) or not (request.method == "GET" or overridden):
            return google_failure(404, "NOT_FOUND", "Not found")
        refusal = key_refusal(request.header(b"x-goog-api-key"))
        if refusal is not None:
            return refusal
        line = _line(request)
        if not line:
            return google_failure(400, "INVALID_ARGUMENT", "Address must be provided")
        found = _find(line)
        results = [] if found is None else [_result_v4(line, *found)]
        body = {"results": results} if results else {}
        return json_reply(body, billed=((line, "geocode"),))


def without_unit(street: str) -> str:
    """A street line without the flat at its end."""
    return _UNIT.sub("", street)


def _line(request: Request) -> str:
    if request.path == _V3:
        return parse_qs(request.query).get("address", [""])[0]
    if request.method == "POST":
        return parse_qs(request.body.decode()).get("addressQuery", [""])[0]
    return request.path.removeprefix(_V4).strip("/").replace("+", " ")


def _answer_v3(request: Request) -> Reply:
    key = parse_qs(request.query).get("key", [""])[0]
    if key in ("", "wrong"):
        return refused(200, _status_v3("REQUEST_DENIED", "The provided API key is invalid."))
    line = _line(request)
    if not line:
        return refused(200, _status_v3("INVALID_REQUEST", "Missing the 'address' parameter."))
    found = _find(line)
    if found is None:
        return json_reply(_status_v3("ZERO_RESULTS"), billed=((line, "geocode"),))
    body = {"results": [_result_v3(line, *found)], "status": "OK"}
    return json_reply(body, billed=((line, "geocode"),))


def _status_v3(status: str, message: str = "") -> dict[str, Any]:
    told = {"error_message": message} if message else {}
    return {"results": [], "status": status, **told}


def _find(line: str) -> tuple[Point, str] | None:
    """Point and granularity of an address on one line."""
    parts = [part.strip() for part in line.split(",")]
    street, city, state, postal_code = without_unit(parts[0]), "", "", ""
    for part in parts[1:]:
        code = _STATE_ZIP.fullmatch(part)
        if code and (code[2] or (code[1] and state == "")) and part.casefold() != "us":
            state, postal_code = code[1] or state, code[2] or postal_code
        else:
            city = city or part
    point = locate(street, city, state, postal_code)
    if point is None or not knows("google", "geocode", line.casefold(), _KNOWN_SHARE):
        return None
    if not point.exact:
        return point, "GEOMETRIC_CENTER"
    rooftop = knows("google", "rooftop", line.casefold(), _ROOFTOP_SHARE)
    return point, "ROOFTOP" if rooftop else "RANGE_INTERPOLATED"


def _place_id(line: str) -> str:
    digest = draw("place", line.casefold()).to_bytes(8, "big") * 2
    return "ChIJ" + urlsafe_b64encode(digest).decode().rstrip("=")


def _result_v4(line: str, point: Point, granularity: str) -> dict[str, Any]:
    place = _place_id(line)
    return {
        "place": f"//places.googleapis.com/places/{place}",
        "placeId": place,
        "location": {"latitude": point.latitude, "longitude": point.longitude},
        "granularity": granularity,
        "formattedAddress": f"{line}, USA",
        "types": ["street_address"],
    }


def _result_v3(line: str, point: Point, granularity: str) -> dict[str, Any]:
    place = {"lat": point.latitude, "lng": point.longitude}
    partial = not point.exact or knows("google", "partial", line, _PARTIAL_SHARE)
    return {
        "address_components": [
            {"long_name": point.town.city, "short_name": point.town.city, "types": ["locality"]}
        ],
        "formatted_address": f"{line}, USA",
        "geometry": {
            "location": place,
            "location_type": granularity,
            "viewport": {"northeast": place, "southwest": place},
        },
        "place_id": _place_id(line),
        "types": ["street_address"],
        **({"partial_match": True} if partial else {}),
    }
