"""Whitepages as the sandbox plays it; contract `derived_whitepages`.

Quirks: a list, empty and billed where nobody is known; only people, never firms; addresses on one
line; 403 without a key or with a wrong one.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from bulk_lookup_dagster.sandbox import world
from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import PlainSimulator, Reply, json_reply, refused

_PATH, _SHARE = "/v1/person", 0.7


class Whitepages(PlainSimulator):
    """The vendor; any key but `wrong` is one of ours."""

    name = "whitepages"
    prices: Mapping[str, int] = {"person": 100_000}
    errors: Mapping[str, tuple[int, Any]] = {
        "unauthorised": (403, {"message": "Forbidden"}),
        "forbidden": (403, {"message": "Forbidden"}),
        "rate_limited": (429, {"message": "Too Many Requests"}),
        "rate_limited_bare": (429, {"message": "Too Many Requests"}),
    }

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The number."""
        return _phone(request), ("person",)

    def answer(self, request: Request) -> Reply:
        """Who is reached under a number."""
        if request.header(b"x-api-key") in ("", "wrong"):
            return refused(403, {"message": "Forbidden"})
        if request.method != "GET" or request.path != _PATH:
            return refused(404, {"message": "Not Found"})
        number = _phone(request)
        if not number:
            return refused(400, {"message": "phone is missing"})
        told = world.phone(number)
        known = told.valid and knows("whitepages", "person", number, _SHARE)
        person = told.owner if known and isinstance(told.owner, world.Person) else None
        body = [] if person is None else [_person(number, person)]
        return json_reply(body, billed=((number, "person"),))


def _phone(request: Request) -> str:
    return parse_qs(request.query).get("phone", [""])[0]


def _person(number: str, person: world.Person) -> dict[str, Any]:
    line = person.address.line
    return {
        "id": f"P{draw('whitepages', number):016x}",
        "name": person.name,
        "aliases": [],
        "is_dead": False,
        "current_addresses": [{"id": f"A{draw('address', line):016x}", "address": line}],
        "historic_addresses": [],
        "owned_properties": [],
        "phones": [{"number": number, "type": "mobile", "score": 90}],
        "emails": [person.home_email],
        "date_of_birth": None,
        "linkedin_url": None,
        "company_name": person.company.name if person.company else None,
        "job_title": person.title or None,
        "relatives": [],
    }
