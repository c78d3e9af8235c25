"""Companies and people in the shape Clearbit made and Hunter answers in.

Belongs here: reading that shape into the columns of `enrichment.company_profiles` and
`enrichment.person_profiles`. Does not: any vendor's errors, requests or own fields (one file each).
"""

from __future__ import annotations

from typing import Any

from bulk_lookup_dagster.core import bands
from resources.fields import Fields, Part

_LONG = 20_000
DESCRIPTION = 2_000
MAX_TAGS = 50


def size_columns(
    count: int | None, told: str | None, revenue: int | None, revenue_told: str | None
) -> dict[str, Any]:
    """Numbers where the vendor tells them, their bands, else the bands of the ranges it tells."""
    return {
        "employees": count,
        "employees_band": bands.employees_band(count) or bands.employees_range(told),
        "revenue_usd": revenue,
        "revenue_band": bands.revenue_band(revenue) or bands.revenue_range(revenue_told),
        "bands_version": bands.VERSION,
    }


def short_texts(read: Fields, part: Part, name: str) -> list[str]:
    """The first `MAX_TAGS` words of a list."""
    return [text for text in read.texts(part, name, 300) if len(text) <= 100][:MAX_TAGS]


def description(read: Fields, part: Part, name: str) -> str | None:
    """A text of the vendor's own making, cut to what is kept of it."""
    text = read.text(part, name, _LONG)
    return None if text is None else text[:DESCRIPTION]


def company_columns(read: Fields, part: Part) -> dict[str, Any]:
    """Columns of `enrichment.company_profiles`."""
    category, metrics = read.part(part, "category"), read.part(part, "metrics")
    domain = read.text(part, "domain", 253)
    sites = read.part(part, "site")
    return {
        "basis": "record",
        "name": read.text(part, "name", 200),
        "legal_name": read.text(part, "legalName", 200),
        "company_type": read.text(part, "type", 40),
        "sector": read.text(category, "sector", 100),
        "industry": read.text(category, "industry", 200),
        "description": description(read, part, "description"),
        **_sizes(read, metrics),
        "founded_year": read.whole(part, "foundedYear", 1000, 2100),
        **_place(read, read.part(part, "geo")),
        "phone": read.text(part, "phone", 40) or _first(read.texts(sites, "phoneNumbers", 40)),
        "site": None if domain is None else f"https://{domain}",
        "email_domain": domain,
        "linkedin": read.text(read.part(part, "linkedin"), "handle", 200),
        "twitter": read.text(read.part(part, "twitter"), "handle", 200),
        "facebook": read.text(read.part(part, "facebook"), "handle", 200),
        "tags": short_texts(read, part, "tags"),
        "tech": short_texts(read, part, "tech"),
    }


def person_columns(read: Fields, part: Part) -> dict[str, Any]:
    """Columns of `enrichment.person_profiles`."""
    name, work = read.part(part, "name"), read.part(part, "employment")
    return {
        "first_name": read.text(name, "givenName", 100),
        "last_name": read.text(name, "familyName", 100),
        "position": read.text(work, "title", 200),
        "department": read.text(work, "role", 100),
        "seniority": read.text(work, "seniority", 100),
        "company_name": read.text(work, "name", 200),
        "company_domain": read.text(work, "domain", 253),
        "linkedin": read.text(read.part(part, "linkedin"), "handle", 200),
        "twitter": read.text(read.part(part, "twitter"), "handle", 200),
        "facebook": read.text(read.part(part, "facebook"), "handle", 200),
    }


def _sizes(read: Fields, metrics: Part) -> dict[str, Any]:
    count, told = metrics.get("employees"), None
    if isinstance(count, str):
        count, told = None, read.text(metrics, "employees", 30)
    else:
        count = read.whole(metrics, "employees", 0, 10_000_000)
        told = read.text(metrics, "employeesRange", 30)
    revenue = read.number(metrics, "annualRevenue", 0, 10**13)
    ranged = read.text(metrics, "estimatedAnnualRevenue", 30)
    return size_columns(count, told, None if revenue is None else round(revenue), ranged)


def _place(read: Fields, geo: Part) -> dict[str, Any]:
    parts = [read.text(geo, name, 150) for name in ("streetNumber", "streetName")]
    return {
        "street": " ".join(part for part in parts if part) or None,
        "city": read.text(geo, "city", 100),
        "state_region": read.text(geo, "stateCode", 100) or read.text(geo, "state", 100),
        "postal_code": read.text(geo, "postalCode", 20),
        "country": read.text(geo, "countryCode", 100),
    }


def _first(texts: list[str]) -> str | None:
    return texts[0] if texts else None
