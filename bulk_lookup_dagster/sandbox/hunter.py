"""Hunter as the sandbox plays it; shapes of contract `derived_hunter`.

Quirks: some searches and verifications answer 202 the first time they are asked; an address at a
server that misbehaves (`greylisted@…`) gets 222; who objected is 451, whatever is asked (always
people called Claimed, `claimed@…`, domains `claimed-…` and whom the control names); too fast is 403
and a used-up allowance 429 with its own id; what is not found is 404 and free.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`), what is true (`people`, `mailboxes`), the shape of profiles (`profiles`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bulk_lookup_dagster.sandbox import world
from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.mailboxes import Mailbox, mailbox
from bulk_lookup_dagster.sandbox.profiles import company_profile, person_profile
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    PlainSimulator,
    Reply,
    json_reply,
    parameter,
    refused,
)

_PATHS = {
    "/email-finder": "email_finder",
    "/email-verifier": "email_verifier",
    "/people/find": "people",
    "/companies/find": "companies",
}
_FINDS, _PEOPLE, _COMPANIES = 0.62, 0.55, 0.74
_SLOW, _OBJECTED = 0.04, 0.002


def _errors(status: int, name: str, details: str = "") -> tuple[int, Any]:
    return status, {"errors": [{"id": name, "code": status, "details": details or name}]}


class Hunter(PlainSimulator):
    """The vendor; any key but `wrong` is one of ours."""

    name = "hunter"
    prices: Mapping[str, int] = dict.fromkeys(_PATHS.values(), 24_500)
    errors: Mapping[str, tuple[int, Any]] = {
        "unauthorised": _errors(401, "authentication_failed"),
        "forbidden": _errors(403, "restricted_account"),
        "rate_limited": _errors(429, "too_many_requests"),
        "rate_limited_bare": _errors(403, "too_many_requests"),
    }

    def __init__(self) -> None:
        self._running: set[str] = set()
        self._allowance_used = False
        self._objected: set[str] = set()

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """Person, address or domain."""
        return _subject(request), (_PATHS.get(request.path, request.path),)

    def answer(self, request: Request) -> Reply:
        """One search, verification or profile, or a refusal in the vendor's words."""
        if request.header(b"x-api-key") in ("", "wrong"):
            return _refusal(401, "authentication_failed")
        if self._allowance_used:
            return _refusal(429, "usage_limit_reached")
        match request.method, request.path:
            case ("GET", "/account"):
                return Reply(200, json_reply({"data": _account()}).body, counted=False)
            case ("GET", "/email-finder"):
                return self._find(request)
            case ("GET", "/email-verifier"):
                return self._verify(request)
            case ("GET", "/people/find"):
                return self._person(request)
            case ("GET", "/companies/find"):
                return _company(request)
        return refused(404, {"message": "no such path"})

    def control(self, name: str, document: Any) -> bool:
        """`PUT /_sandbox/allowance {"used": true}`: the month's allowance is gone; `PUT objected
        {"emails": […]}`: these people object from now on."""
        if name == "allowance":
            self._allowance_used = document.get("used") is True
        elif name == "objected":
            self._objected = set(document["emails"])
        return name in ("allowance", "objected")

    def _has_objected(self, email: str, first: str = "") -> bool:
        """Whether a person, known by an address or a first name, asked not to be told of."""
        named = "claimed" in (first.casefold(), email.partition("@")[0].partition(".")[0])
        drawn = knows("hunter", "objected", email, _OBJECTED)
        return named or drawn or email in self._objected

    def _is_running(self, key: str) -> bool:
        """Whether a search is one of the slow ones, the first time it is asked."""
        if key in self._running or not knows("hunter", "slow", key, _SLOW):
            return False
        self._running.add(key)
        return True

    def _find(self, request: Request) -> Reply:
        first, last = parameter(request, "first_name"), parameter(request, "last_name")
        domain, company = parameter(request, "domain"), parameter(request, "company")
        if not (first and last and (domain or company)):
            return _refusal(400, "wrong_params")
        subject = _subject(request)
        if self._is_running(subject):
            return Reply(202)
        firm = world.company_at(domain) if domain else world.company_named(company)
        person = world.person_named(first.title(), last.title(), firm)
        if self._has_objected(person.work_email or "", first):
            return _claimed()
        known = firm is not None and knows("hunter", "finder", subject, _FINDS)
        data = _candidate(person, person.work_email if known else None)
        return json_reply(
            {"data": data, "meta": {"params": {}}},
            billed=((subject, "email_finder"),) if known else (),
        )

    def _verify(self, request: Request) -> Reply:
        email = parameter(request, "email").casefold()
        if "@" not in email:
            return _refusal(400, "invalid_email")
        if email.startswith("greylisted@"):
            return json_reply(_errors(222, "smtp_error")[1], 222)
        if self._has_objected(email):
            return _claimed()
        if self._is_running(email):
            return Reply(202)
        data = _verification(email, mailbox(email))
        return json_reply({"data": data}, billed=((email, "email_verifier"),))

    def _person(self, request: Request) -> Reply:
        email = parameter(request, "email").casefold()
        if "@" not in email:
            return _refusal(400, "invalid_email")
        if self._has_objected(email):
            return _claimed()
        person = world.person_by_email(email)
        if person is None or not knows("hunter", "people", email, _PEOPLE):
            return _not_found()
        return json_reply({"data": person_profile(person, email)}, billed=((email, "people"),))


def _subject(request: Request) -> str:
    names = ("first_name", "last_name", "domain", "company", "email")
    parts = [parameter(request, name).casefold() for name in names]
    return "|".join(part for part in parts if part) or request.path


def _refusal(status: int, name: str) -> Reply:
    return refused(*_errors(status, name))


def _not_found() -> Reply:
    return json_reply(_errors(404, "not_found")[1], 404)


def _claimed() -> Reply:
    return json_reply(_errors(451, "claimed_email")[1], 451)


def _candidate(person: world.Person, email: str | None) -> dict[str, Any]:
    at = draw("candidate", email or person.name)
    seen = [{"domain": "example.test", "uri": "https://example.test/team", "still_on_page": True}]
    return {
        "first_name": person.first,
        "last_name": person.last,
        "email": email,
        "score": 70 + at % 30 if email else None,
        "domain": person.company.domain if person.company else None,
        "accept_all": mailbox(email).takes_all if email else None,
        "position": (person.title or None) if email else None,
        "twitter": None,
        "linkedin_url": None,
        "phone_number": None,
        "company": person.company.name if person.company else None,
        "sources": seen if email and at % 3 else [],
        "verification": {"date": None, "status": None},
    }


def _verification(email: str, box: Mailbox) -> dict[str, Any]:
    status = _status(box)
    found = status in ("valid", "webmail", "accept_all")
    return {
        "status": status,
        "result": {"valid": "deliverable", "invalid": "undeliverable"}.get(status, "risky"),
        "score": 90 if found else 10,
        "email": email,
        "regexp": True,
        "gibberish": False,
        "disposable": box.disposable,
        "webmail": box.free,
        "mx_records": box.takes_mail,
        "smtp_server": box.takes_mail,
        "smtp_check": box.takes_mail and not box.silent and (box.exists or box.takes_all),
        "accept_all": box.takes_all,
        "block": False,
        "sources": [],
    }


def _status(box: Mailbox) -> str:
    if box.disposable:
        return "disposable"
    if not box.takes_mail:
        return "invalid"
    if box.silent:
        return "unknown"
    if box.free:
        return "webmail"
    if box.takes_all:
        return "accept_all"
    return "valid" if box.exists or box.role else "invalid"


def _account() -> dict[str, Any]:
    """A month's allowance, of which a little is used; it begins anew with the next month."""
    reset = (datetime.now(UTC).replace(day=1) + timedelta(days=32)).replace(day=1)
    return {
        "plan_name": "Starter",
        "reset_date": reset.date().isoformat(),
        "requests": {},
        "calls": {"used": 120, "available": 2_000},
    }


def _company(request: Request) -> Reply:
    domain = parameter(request, "domain").casefold()
    if not domain:
        return _refusal(400, "wrong_params")
    if domain.startswith("claimed-"):
        return _claimed()
    firm = world.company_at(domain)
    if firm is None or not knows("hunter", "companies", domain, _COMPANIES):
        return _not_found()
    return json_reply({"data": company_profile(firm)}, billed=((domain, "companies"),))
