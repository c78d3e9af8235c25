"""Google Geocoding as the sandbox plays it: v4 with google.rpc errors, v3 after contract
`google_maps`.

Quirks: a wrong key of v4 is 400 with the reason API_KEY_INVALID, none at all 403; v3 says
everything with a status inside a 200. v4 knows no partial matches; a street without a number is
answered by its middle, a place we do not know by nothing. A point is answered by the address whose
lot it is on, with the place id that address has, else by its town, far from all of them by nothing.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.places import Point, address_near, locate, nearest_town
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    PlainSimulator,
    Reply,
    json_reply,
    parameter,
    refused,
)

_V4, _V3 = "/v4/geocode/address", "/maps/api/geocode/json"
_V4_POINT = "/v4/geocode/location/"
_TEXT = "results.formattedAddress"
_KNOWN_SHARE, _ROOFTOP_SHARE, _PARTIAL_SHARE = 0.97, 0.85, 0.06
_UNIT = re.compile(r"\s+(?:apt|ste|unit|suite|#)\s*\S+$", re.IGNORECASE)
_DEGREES = re.compile(r"(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)", re.ASCII)
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
    prices: Mapping[str, int] = {"geocode": 5_000, "reverse_geocode": 5_000}
    errors = GOOGLE_ERRORS

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The address on one line, or the point."""
        point = _point(request)
        return (point, ("reverse_geocode",)) if point else (_line(request), ("geocode",))

    def answer(self, request: Request) -> Reply:
        """The best result, or a refusal in the words of the version."""
        if request.path == _V3 and request.method == "GET":
            return _answer_v3(request)
        overridden = request.header(b"x-http-method-override") == "GET"
        known = request.path.startswith((_V4, _V4_POINT))
        if not known or not (request.method == "GET" or overridden):
            return google_failure(404, "NOT_FOUND", "Not found")
        refusal = key_refusal(request.header(b"x-goog-api-key"))
        if refusal is not None:
            return refusal
        question, found = _asked(request)
        if not question[0]:
            return google_failure(400, "INVALID_ARGUMENT", "Address or location must be provided")
        with_text = _TEXT in request.header(b"x-goog-fieldmask")
        body = {"results": [_result_v4(found, with_text=with_text)]} if found else {}
        return json_reply(body, billed=(question,))


def without_unit(street: str) -> str:
    """A street line without the flat at its end."""
    return _UNIT.sub("", street)


def _line(request: Request) -> str:
    if request.path == _V3:
        return parameter(request, "address")
    if request.method == "POST":
        return parse_qs(request.body.decode()).get("addressQuery", [""])[0]
    return request.path.removeprefix(_V4).strip("/").replace("+", " ")


def _point(request: Request) -> str:
    """The point that is asked about, as it is written; '' where it is an address."""
    if request.path == _V3:
        return parameter(request, "latlng")
    return request.path.removeprefix(_V4_POINT) if request.path.startswith(_V4_POINT) else ""


def _asked(request: Request) -> tuple[tuple[str, str], _Found | None]:
    """What is billed, '' where the question is none, and what was found."""
    point = _point(request)
    if not point:
        line = _line(request)
        return (line, "geocode"), _find(line) if line else None
    degrees = _DEGREES.fullmatch(point)
    if degrees is None or not (abs(float(degrees[1])) <= 90 and abs(float(degrees[2])) <= 180):
        return ("", "reverse_geocode"), None
    return (point, "reverse_geocode"), _find_at(float(degrees[1]), float(degrees[2]))


def _answer_v3(request: Request) -> Reply:
    if parameter(request, "key") in ("", "wrong"):
        return refused(200, _status_v3("REQUEST_DENIED", "The provided API key is invalid."))
    question, found = _asked(request)
    if not question[0]:
        return refused(200, _status_v3("INVALID_REQUEST", "Missing the 'address' parameter."))
    if found is None:
        return json_reply(_status_v3("ZERO_RESULTS"), billed=(question,))
    body = {"results": [_result_v3(found, told=question[1] == "geocode")], "status": "OK"}
    return json_reply(body, billed=(question,))


def _status_v3(status: str, message: str = "") -> dict[str, Any]:
    told = {"error_message": message} if message else {}
    return {"results": [], "status": status, **told}


@dataclass(frozen=True, slots=True)
class _Found:
    """A result: its text, where it is, how exact, and the key its place id follows from."""

    line: str
    point: Point
    granularity: str
    key: str


def _find(line: str) -> _Found | None:
    """The address on one line."""
    parts = [part.strip() for part in line.split(",")]
    street, city, state, postal_code = without_unit(parts[0]), "", "", ""
    for part in parts[1:]:
        code = _STATE_ZIP.fullmatch(part)
        if code and (code[2] or (code[1] and state == "")) and part.casefold() != "us":
            state, postal_code = code[1] or state, code[2] or postal_code
        else:
            city = city or part
    point = locate(street, city, state, postal_code)
    if point is None:
        return None
    flat = parts[0].removeprefix(street).strip()
    return _known(line, point, f"{street}|{postal_code[:5] or point.town.zip3}", flat)


def _find_at(latitude: float, longitude: float) -> _Found | None:
    """The address at a point, without a flat; else the town around it."""
    one = address_near(latitude, longitude)
    if one is None:
        town = nearest_town(latitude, longitude)
        if town is None:
            return None
        middle = Point(town.latitude, town.longitude, exact=False, town=town)
        line = f"{town.city}, {town.state}"
        return _Found(line, middle, "APPROXIMATE", line.casefold())
    point = locate(one.street, one.city, one.state, one.postal_code)
    return None if point is None else _known(one.line, point, f"{one.street}|{one.postal_code}", "")


def _known(line: str, point: Point, house: str, flat: str) -> _Found | None:
    """What Google has on a house: the same, whether it was asked for by address or by point."""
    house = house.casefold()
    if not knows("google", "geocode", house, _KNOWN_SHARE):
        return None
    rooftop = knows("google", "rooftop", house, _ROOFTOP_SHARE)
    granularity = "ROOFTOP" if rooftop else "RANGE_INTERPOLATED"
    key = f"{house}|{flat.casefold()}"
    return _Found(line, point, granularity if point.exact else "GEOMETRIC_CENTER", key)


def _place_id(key: str) -> str:
    digest = draw("place", key).to_bytes(8, "big") * 2
    return "ChIJ" + urlsafe_b64encode(digest).decode().rstrip("=")


def _result_v4(found: _Found, *, with_text: bool) -> dict[str, Any]:
    place, point = _place_id(found.key), found.point
    return {
        "place": f"//places.googleapis.com/places/{place}",
        "placeId": place,
        "location": {"latitude": point.latitude, "longitude": point.longitude},
        "granularity": found.granularity,
        "types": ["street_address"],
        **({"formattedAddress": f"{found.line}, USA"} if with_text else {}),
    }


def _result_v3(found: _Found, *, told: bool) -> dict[str, Any]:
    """A result of v3; only addresses that somebody told can match in part."""
    point = found.point
    place = {"lat": point.latitude, "lng": point.longitude}
    partial = told and (not point.exact or knows("google", "partial", found.line, _PARTIAL_SHARE))
    return {
        "address_components": [
            {"long_name": point.town.city, "short_name": point.town.city, "types": ["locality"]}
        ],
        "formatted_address": f"{found.line}, USA",
        "geometry": {
            "location": place,
            "location_type": found.granularity,
            "viewport": {"northeast": place, "southwest": place},
        },
        "place_id": _place_id(found.key),
        "types": ["street_address"],
        **({"partial_match": True} if partial else {}),
    }
