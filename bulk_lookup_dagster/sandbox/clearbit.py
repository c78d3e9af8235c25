"""Clearbit's legacy API as the sandbox plays it.

Quirks: some searches are queued (202) the first time they are asked, and called back where a
`webhook_url` of this machine came along; people at `queued@…` too; a combined answer may have one
part alone; what is not known is 404 `unknown_record` and free.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`), what is true (`people`), the shape of profiles (`profiles`).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import orjson

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox import world
from bulk_lookup_dagster.sandbox.callbacks import checked
from bulk_lookup_dagster.sandbox.draws import knows
from bulk_lookup_dagster.sandbox.profiles import company_profile, person_profile
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    Callback,
    PlainSimulator,
    Reply,
    json_reply,
    parameter,
    refused,
)

_PATHS = {"/companies/find": "company", "/people/find": "person", "/combined/find": "combined"}
_COMPANIES, _PEOPLE, _QUEUED = 0.8, 0.6, 0.03


def _error(status: int, kind: str) -> tuple[int, Any]:
    return status, {"error": {"type": kind, "message": kind}}


class Clearbit(PlainSimulator):
    """The vendor; any key but `wrong` is one of ours."""

    name = "clearbit"
    prices: Mapping[str, int] = dict.fromkeys(_PATHS.values(), 100_000)
    errors: Mapping[str, tuple[int, Any]] = {
        "unauthorised": _error(401, "auth_invalid"),
        "forbidden": _error(403, "api_access_disabled"),
        "rate_limited": _error(429, "rate_limit"),
        "rate_limited_bare": _error(429, "rate_limit"),
    }

    def __init__(self) -> None:
        self._queued: set[str] = set()

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The domain or address."""
        subject = parameter(request, "domain") or parameter(request, "email")
        return subject.casefold() or request.path, (_PATHS.get(request.path, request.path),)

    def answer(self, request: Request) -> Reply:
        """One match, a queued search, or a refusal in the vendor's words."""
        key = request.header(b"authorization").removeprefix("Bearer ")
        if key in ("", "wrong"):
            return refused(*_error(401, "auth_invalid"))
        operation = _PATHS.get(request.path)
        if operation is None or request.method != "GET":
            return refused(404, {"message": "no such path"})
        subject, _ = self.asked(request)
        if operation != "company" and "@" not in subject:
            return refused(*_error(422, "email_invalid"))
        found = _FOUND[operation](subject)
        if self._is_queued(operation, subject):
            return _queued(request, key, operation, found)
        if found is None:
            status, body = _error(404, "unknown_record")
            return json_reply(body, status)
        return json_reply(found, billed=((subject, operation),))

    def _is_queued(self, operation: str, subject: str) -> bool:
        """Whether a search is one of the slow ones, the first time it is asked."""
        slow = operation == "company" and knows("clearbit", "queued", subject, _QUEUED)
        if subject in self._queued or not (slow or subject.startswith(("queued@", "queued."))):
            return False
        self._queued.add(subject)
        return True


def _queued(request: Request, key: str, operation: str, found: Any) -> Reply:
    status, body = _error(202, "queued")
    url = parameter(request, "webhook_url")
    if not url:
        return json_reply(body, status)
    try:
        checked(url)
    except InputError:
        return refused(*_error(422, "webhook_url_invalid"))
    told = {
        "id": parameter(request, "webhook_id"),
        "type": operation,
        "status": 404 if found is None else 200,
        "body": found,
    }
    sent = orjson.dumps(told)
    signature = hmac.new(key.encode(), sent, "sha1").hexdigest()
    call = Callback(url, sent, {"X-Request-Signature": f"sha1={signature}"})
    return json_reply(body, status, callbacks=(call,))


def _company(domain: str) -> dict[str, Any] | None:
    firm = world.company_at(domain)
    if firm is None or not knows("clearbit", "company", domain, _COMPANIES):
        return None
    return company_profile(firm)


def _person(email: str) -> dict[str, Any] | None:
    person = world.person_by_email(email)
    if person is None or not knows("clearbit", "person", email, _PEOPLE):
        return None
    return person_profile(person, email)


def _combined(email: str) -> dict[str, Any] | None:
    person, company = _person(email), _company(email.partition("@")[2])
    return None if person is None and company is None else {"person": person, "company": company}


_FOUND = {"company": _company, "person": _person, "combined": _combined}
