"""People Data Labs: what its operations are, cost and may be kept, and how answers are read.

Prices: the dearest monthly tier of the vendor's price page as read in 2026, per match; a miss is
free. Retention: RULES, "e-mail, company, people vendors" 180 days. An account whose plan hides a
field gets `true` in its place: there is something, and we are not told what.

Columns, of `enrichment.person_profiles` and `enrichment.company_profiles`: see `profile_shapes`,
with work_email and likelihood (its 1 to 10, times ten); of
`enrichment.email_candidates`: email, confidence, source.

Belongs here: data and pure parsing. Does not: requests (see `pdl_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.core.subjects import domain_of, email_of
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields, Part
from resources.profile_shapes import description, short_texts, size_columns

PROVIDER = "pdl"
PRICES_AS_OF = date(2026, 10, 1)
_KEEP = timedelta(days=180)
_SOURCE = "People Data Labs Pro, monthly, first tier"

OPERATIONS: Mapping[str, Operation] = {
    "person": Operation("person", "person", "pdl", _KEEP),
    "person_email": Operation("person_email", "person", "pdl", _KEEP),
    "company": Operation("company", "company", "pdl", _KEEP),
}

PRICES: tuple[Price, ...] = (
    Price(PROVIDER, "person", 280_000, _SOURCE, PRICES_AS_OF),
    Price(PROVIDER, "person_email", 280_000, _SOURCE, PRICES_AS_OF),
    Price(PROVIDER, "company", 100_000, _SOURCE, PRICES_AS_OF),
)

_READ = Fields("People Data Labs")


def _open(part: Part) -> Part:
    """Without the fields the account's plan hides."""
    return {name: value for name, value in part.items() if value is not True}


def _confidence(answer: Part) -> int | None:
    likelihood = _READ.whole(answer, "likelihood", 0, 10)
    return None if likelihood is None else likelihood * 10


def parse_person(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.person_profiles`."""
    person = _open(_READ.part(answer, "data"))
    levels = _READ.texts(person, "job_title_levels", 100)
    work_email = email_of(_READ.text(person, "work_email", 320))
    return {
        "first_name": _READ.text(person, "first_name", 100),
        "last_name": _READ.text(person, "last_name", 100),
        "position": _READ.text(person, "job_title", 200),
        "department": _READ.text(person, "job_title_role", 100),
        "seniority": levels[0] if levels else None,
        "company_name": _READ.text(person, "job_company_name", 200),
        "company_domain": domain_of(_READ.text(person, "job_company_website", 300)),
        "linkedin": _READ.text(person, "linkedin_url", 200),
        "twitter": _READ.text(person, "twitter_username", 200),
        "facebook": _READ.text(person, "facebook_username", 200),
        "work_email": work_email,
        "has_work_email": work_email is not None,
        "likelihood": _confidence(answer),
    }


def parse_person_email(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.email_candidates`."""
    person = _open(_READ.part(answer, "data"))
    email = email_of(_READ.text(person, "work_email", 320))
    return {
        "email": email,
        "confidence": _confidence(answer),
        "source": None if email is None else "found",
        "position": _READ.text(person, "job_title", 200),
        "linkedin": _READ.text(person, "linkedin_url", 300),
    }


def parse_company(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.company_profiles`."""
    firm = _open(answer)
    place = _open(_READ.part(firm, "location"))
    site = _READ.text(firm, "website", 300)
    count = _READ.whole(firm, "employee_count", 0, 10_000_000)
    size, revenue = _READ.text(firm, "size", 30), _READ.text(firm, "inferred_revenue", 30)
    return {
        "basis": "record",
        "name": _READ.text(firm, "display_name", 200) or _READ.text(firm, "name", 200),
        "legal_name": _READ.text(firm, "legal_name", 200),
        "company_type": _READ.text(firm, "type", 40),
        "industry": _READ.text(firm, "industry", 200),
        "description": description(_READ, firm, "summary"),
        **size_columns(count, size, None, revenue),
        "founded_year": _READ.whole(firm, "founded", 1000, 2100),
        "street": _READ.text(place, "street_address", 300),
        "city": _READ.text(place, "locality", 100),
        "state_region": _READ.text(place, "region", 100),
        "postal_code": _READ.text(place, "postal_code", 20),
        "country": _READ.text(place, "country", 100),
        "site": None if site is None else f"https://{site.removeprefix('https://')}",
        "email_domain": domain_of(site),
        "linkedin": _READ.text(firm, "linkedin_url", 200),
        "twitter": _READ.text(firm, "twitter_url", 200),
        "facebook": _READ.text(firm, "facebook_url", 200),
        "tags": short_texts(_READ, firm, "tags"),
        "likelihood": _confidence(answer),
    }
