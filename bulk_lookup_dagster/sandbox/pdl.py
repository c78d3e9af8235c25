"""People Data Labs as the sandbox plays it.

Quirks: a person stands under `data`, a company at the top of its answer; a miss is 404 and free;
`required` makes a match without that field a miss; fields that were not asked for are left out; a
likelihood below `min_likelihood` is a miss.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`), what is true (`people`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bulk_lookup_dagster.sandbox import world
from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    PlainSimulator,
    Reply,
    json_reply,
    parameter,
    refused,
)

_PERSONS, _EMAILS, _COMPANIES = 0.7, 0.55, 0.82
_LEVELS = {"executive": "owner", "manager": "manager", "director": "director", "staff": "entry"}
_SIZES = ((10, "1-10"), (50, "11-50"), (200, "51-200"), (500, "201-500"), (1_000, "501-1000"))


def _error(status: int, kind: str) -> tuple[int, Any]:
    return status, {"status": status, "error": {"type": [kind], "message": kind}}


class Pdl(PlainSimulator):
    """The vendor; any key but `wrong` is one of ours."""

    name = "pdl"
    prices: Mapping[str, int] = {"person": 280_000, "person_email": 280_000, "company": 100_000}
    errors: Mapping[str, tuple[int, Any]] = {
        "unauthorised": _error(401, "authentication_error"),
        "forbidden": _error(403, "authentication_error"),
        "rate_limited": _error(429, "rate_limit_error"),
        "rate_limited_bare": _error(429, "rate_limit_error"),
    }

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """Who or which company."""
        names = ("email", "first_name", "last_name", "company", "website", "name", "postal_code")
        parts = [parameter(request, name).casefold() for name in names]
        subject = "|".join(part for part in parts if part)
        return subject or request.path, (_operation(request),)

    def answer(self, request: Request) -> Reply:
        """One match, or a refusal in the vendor's words."""
        if request.header(b"x-api-key") in ("", "wrong"):
            return refused(*_error(401, "authentication_error"))
        subject, (operation,) = self.asked(request)
        match request.method, request.path:
            case ("GET", "/person/enrich"):
                found = _person(request)
            case ("GET", "/company/enrich"):
                found = _company(request)
            case _:
                return refused(404, {"message": "no such path"})
        if found is None:
            return refused(*_error(400, "invalid_request_error"))
        least = int(parameter(request, "min_likelihood") or 2)
        if not found or found["likelihood"] < least:
            status, body = _error(404, "not_found")
            return json_reply(body, status)
        return json_reply(found, billed=((subject, operation),))


def _operation(request: Request) -> str:
    if request.path == "/company/enrich":
        return "company"
    return "person_email" if parameter(request, "required") == "work_email" else "person"


def _wanted(request: Request, document: dict[str, Any]) -> dict[str, Any]:
    fields = [name for name in parameter(request, "data_include").split(",") if name]
    return {name: value for name, value in document.items() if not fields or name in fields}


def _likelihood(key: str) -> int:
    return 5 + draw("likelihood", key) % 6


def _person(request: Request) -> dict[str, Any] | None:
    """None: too little was given; empty: nobody is known."""
    email = parameter(request, "email")
    first, last = parameter(request, "first_name"), parameter(request, "last_name")
    where = parameter(request, "company")
    if not email and not (first and last and where):
        return None
    if first and last and where:
        firm = world.company_at(where) if "." in where else world.company_named(where)
        person: world.Person | None = world.person_named(first.title(), last.title(), firm)
    else:
        person = world.person_by_email(email)
    if person is None:
        return {}
    key = f"{person.name} {person.company.key if person.company else ''}"
    has_email = person.work_email is not None and knows("pdl", "email", key, _EMAILS)
    if not knows("pdl", "person", key, _PERSONS):
        return {}
    if parameter(request, "required") == "work_email" and not has_email:
        return {}
    work = person.work_email if has_email else None
    data = _wanted(request, _document(person, work))
    return {"status": 200, "likelihood": _likelihood(key), "data": data}


def _document(person: world.Person, work_email: str | None) -> dict[str, Any]:
    handle = person.name.casefold().replace(" ", "-")
    firm = person.company
    return {
        "id": f"{draw('pdl', handle):016x}_0000",
        "full_name": person.name,
        "first_name": person.first,
        "last_name": person.last,
        "job_title": person.title or None,
        "job_title_role": person.department or None,
        "job_title_levels": [_LEVELS[person.seniority]] if person.seniority else [],
        "job_company_name": firm.name if firm else None,
        "job_company_website": firm.domain if firm else None,
        "linkedin_url": f"linkedin.com/in/{handle}",
        "twitter_username": None,
        "facebook_username": None,
        "work_email": work_email,
    }


def _company(request: Request) -> dict[str, Any] | None:
    """None: too little was given; empty: no such company is known."""
    site, name = parameter(request, "website"), parameter(request, "name")
    if not (site or name):
        return None
    firm = world.company_at(site) if site else world.company_named(name)
    if firm is None or not knows("pdl", "company", firm.key, _COMPANIES):
        return {}
    return {"status": 200, "likelihood": _likelihood(firm.key), **_wanted(request, _firm(firm))}


def _firm(firm: world.Company) -> dict[str, Any]:
    address = firm.address
    return {
        "id": f"{draw('pdl', firm.key):016x}",
        "name": firm.name.casefold(),
        "display_name": firm.name,
        "legal_name": firm.legal_name,
        "type": "private",
        "industry": firm.industry.casefold(),
        "summary": f"{firm.name} is a made-up firm: {firm.industry}.",
        "size": next((label for most, label in _SIZES if firm.employees <= most), "1001-5000"),
        "employee_count": firm.employees,
        "inferred_revenue": _revenue(firm.revenue_usd),
        "founded": firm.founded,
        "location": {
            "street_address": address.street.casefold(),
            "locality": address.city.casefold(),
            "region": address.state.casefold(),
            "postal_code": address.postal_code,
            "country": "united states",
        },
        "website": firm.domain,
        "linkedin_url": f"linkedin.com/company/{firm.key}",
        "twitter_url": None,
        "facebook_url": None,
        "tags": [firm.sector.casefold()],
    }


def _revenue(usd: int) -> str:
    bounds = (("$0-$1M", 1), ("$1M-$10M", 10), ("$10M-$25M", 25), ("$25M-$50M", 50))
    millions = usd / 1_000_000
    return next((label for label, most in bounds if millions < most), "$50M-$100M")
