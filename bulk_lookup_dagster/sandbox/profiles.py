"""Companies and people of the world in the shape Clearbit made and Hunter answers in.

Belongs here: that shape. Does not: what is true (`people`), who knows how much of it and how it is
asked (one file per vendor).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from bulk_lookup_dagster.sandbox.draws import draw, pick
from bulk_lookup_dagster.sandbox.people import Company, Person
from bulk_lookup_dagster.sandbox.places import Address, locate

_TECH = ("example_analytics", "example_crm", "example_shop", "example_mail", "example_chat")


def company_profile(firm: Company) -> dict[str, Any]:
    """Everything a company document says."""
    at = draw("profile", firm.key)
    return {
        "id": _id("company", firm.domain),
        "name": firm.name,
        "legalName": firm.legal_name,
        "domain": firm.domain,
        "domainAliases": [],
        "site": {"phoneNumbers": [firm.phone] if firm.phone else [], "emailAddresses": []},
        "category": {
            "sector": firm.sector,
            "industryGroup": firm.sector,
            "industry": firm.industry,
            "subIndustry": firm.industry,
            "naicsCode": None,
            "sic4Codes": [],
        },
        "tags": [firm.industry, "B2B" if at % 2 else "B2C"],
        "description": f"{firm.name} is a made-up firm: {firm.industry}.",
        "foundedYear": firm.founded,
        "location": firm.address.line,
        "geo": _geo(firm.address),
        "logo": None,
        "phone": firm.phone or None,
        "facebook": {"handle": firm.key if at % 3 else None},
        "linkedin": {"handle": f"company/{firm.key}"},
        "twitter": {"handle": firm.key.replace("-", "_") if at % 4 else None},
        "emailProvider": None,
        "type": "private",
        "metrics": {
            "employees": firm.employees,
            "annualRevenue": firm.revenue_usd if at % 5 else None,
            "raised": None,
        },
        "tech": [pick(_TECH, at >> 8), pick(_TECH, at >> 16)],
        "techCategories": [],
    }


def person_profile(person: Person, email: str) -> dict[str, Any]:
    """Everything a person document says."""
    handle = person.name.casefold().replace(" ", "-")
    firm = person.company
    return {
        "id": _id("person", email),
        "name": {
            "fullName": person.name,
            "givenName": person.first,
            "familyName": person.last,
        },
        "email": email,
        "location": f"{person.address.city}, {person.address.state}",
        "timeZone": None,
        "utcOffset": None,
        "geo": {name: value for name, value in _geo(person.address).items() if name in _PERSON_GEO},
        "bio": None,
        "site": None,
        "avatar": None,
        "employment": {
            "domain": firm.domain if firm else None,
            "name": firm.name if firm else None,
            "title": person.title or None,
            "role": person.department or None,
            "subRole": None,
            "seniority": person.seniority or None,
        },
        "facebook": {"handle": None},
        "github": {"handle": None},
        "twitter": {"handle": handle if draw("twitter", handle) % 3 == 0 else None},
        "linkedin": {"handle": f"in/{handle}"},
        "phone": None,
    }


_PERSON_GEO = {"city", "state", "stateCode", "country", "countryCode", "lat", "lng"}


def _geo(address: Address) -> dict[str, Any]:
    point = locate(address.street, address.city, address.state, address.postal_code)
    number, _, street = address.street.partition(" ")
    return {
        "streetNumber": number,
        "streetName": street,
        "city": address.city,
        "postalCode": address.postal_code,
        "state": address.state,
        "stateCode": address.state,
        "country": "United States",
        "countryCode": address.country,
        "lat": None if point is None else point.latitude,
        "lng": None if point is None else point.longitude,
    }


def _id(kind: str, key: str) -> str:
    return str(UUID(int=draw(kind, key, "high") << 64 | draw(kind, key, "low")))
