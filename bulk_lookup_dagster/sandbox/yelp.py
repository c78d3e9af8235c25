"""Yelp's business search as the sandbox plays it; contract `derived_yelp`.

Quirks: more than 50 a page, or beyond the 240th business, is refused; a place it does not know is
LOCATION_NOT_FOUND; `url` is Yelp's own page, never the firm's. `PUT /_sandbox/allowance` sets how
many calls the day has left; then 429 ACCESS_LIMIT_REACHED until midnight UTC.

Belongs here: this vendor's path, bodies and quirks. Does not: faults, billing, the log (`account`).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bulk_lookup_dagster.core.business_types import BUSINESS_TYPES
from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.neighbourhood import Listing, listed
from bulk_lookup_dagster.sandbox.places import town_of
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    PlainSimulator,
    Reply,
    json_reply,
    parameter,
    refused,
)

_PATH = "/businesses/search"
_KNOWN_SHARE, _PHONE_SHARE = 0.6, 0.9
_PAGE, _MOST, _ALLOWANCE = 50, 240, 5_000
_ZIPCODE = re.compile(r"\b(\d{5})\b")
_KINDS = {one.yelp: one.google for one in BUSINESS_TYPES.values() if one.yelp}


def _error(code: str, description: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "description": description}}


class Yelp(PlainSimulator):
    """The vendor; any key but `wrong` is one of ours."""

    name = "yelp"
    prices: Mapping[str, int] = {"search": 14_990, "search_more": 14_990}
    errors: Mapping[str, tuple[int, Any]] = {
        "unauthorised": (401, _error("TOKEN_INVALID")),
        "forbidden": (403, _error("AUTHORIZATION_ERROR")),
        "rate_limited": (429, _error("TOO_MANY_REQUESTS_PER_SECOND")),
        "rate_limited_bare": (429, _error("TOO_MANY_REQUESTS_PER_SECOND")),
        "server_error": (500, _error("INTERNAL_ERROR")),
    }

    def __init__(self) -> None:
        self._left = _ALLOWANCE

    def control(self, name: str, document: Any) -> bool:
        """`allowance`: calls the day has left."""
        if name != "allowance":
            return False
        calls = document.get("calls")
        if not isinstance(calls, int) or calls < 0:
            raise InputError("calls is a whole number.")
        self._left = calls
        return True

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The place that is searched, and the operation this means to us."""
        return parameter(request, "location"), (_operation(request),)

    def answer(self, request: Request) -> Reply:
        """A page of businesses, or a refusal."""
        if request.method != "GET" or request.path != _PATH:
            return refused(404, _error("NOT_FOUND"))
        token = request.header(b"authorization").removeprefix("Bearer ")
        if token in ("", "wrong"):
            return refused(401, _error("TOKEN_INVALID" if token else "TOKEN_MISSING"))
        limit, offset = _number(request, "limit", 20), _number(request, "offset", 0)
        if not (0 <= limit <= _PAGE and offset >= 0 and offset + limit <= _MOST):
            return refused(400, _error("VALIDATION_ERROR", "limit or offset is out of range"))
        found = _ZIPCODE.search(parameter(request, "location"))
        if found is None or town_of("", "", found[1]) is None:
            return refused(400, _error("LOCATION_NOT_FOUND"))
        if self._left <= 0:
            return json_reply(_error("ACCESS_LIMIT_REACHED"), 429, headers=self._headers())
        self._left -= 1
        alias = parameter(request, "categories")
        kinds = (_KINDS.get(alias, alias),) if alias else ()
        listings = listed("yelp", found[1], _KNOWN_SHARE, kinds)
        page = [_business(one) for one in listings[offset : offset + limit]]
        body = {"businesses": page, "total": len(listings), "region": {}}
        billed = ((request.query, _operation(request)),)
        return json_reply(body, headers=self._headers(), billed=billed)

    def _headers(self) -> str:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        reset = (midnight + timedelta(days=1)).isoformat()
        return (
            f"RateLimit-DailyLimit: {_ALLOWANCE}\r\nRateLimit-Remaining: {self._left}\r\n"
            f"RateLimit-ResetTime: {reset}\r\n"
        )


def _operation(request: Request) -> str:
    return "search_more" if _number(request, "offset", 0) > 0 else "search"


def _number(request: Request, name: str, usual: int) -> int:
    text = parameter(request, name)
    return int(text) if text.isdecimal() else usual if not text else -1


def _business(one: Listing) -> dict[str, Any]:
    firm, address, point = one.company, one.company.address, one.point
    digest = draw("yelp", firm.key).to_bytes(8, "big") * 2
    told = firm.phone if knows("yelp", "phone", firm.key, _PHONE_SHARE) else ""
    return {
        "id": urlsafe_b64encode(digest).decode().rstrip("="),
        "alias": firm.key,
        "name": firm.name,
        "is_closed": one.closed,
        "url": f"https://yelp.example/biz/{firm.key}",
        "review_count": draw("reviews", firm.key) % 400,
        "categories": [{"alias": one.kind, "title": firm.industry}] if one.kind else [],
        "rating": 1 + draw("rating", firm.key) % 9 / 2,
        "coordinates": {
            "latitude": point.latitude if point else None,
            "longitude": point.longitude if point else None,
        },
        "transactions": [],
        "location": {
            "address1": address.street,
            "address2": address.unit or None,
            "address3": None,
            "city": address.city,
            "zip_code": address.postal_code,
            "country": "US",
            "state": address.state,
            "display_address": [address.street, f"{address.city}, {address.state}"],
        },
        "phone": told,
        "display_phone": told,
        "distance": 100.0,
    }
