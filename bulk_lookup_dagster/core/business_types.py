"""Kinds of businesses one can look for, and what each vendor calls them.

Google's words are of its table of place types, Yelp's are category aliases. A type that is not
here is refused: a vendor would take a word it does not know for any business.

Belongs here: the table. Does not: requests (`resources`).
"""

from __future__ import annotations

from dataclasses import dataclass

from bulk_lookup_dagster.core.errors import InputError


@dataclass(frozen=True, slots=True)
class BusinessType:
    """One kind; `words` are what people type into a search. '' at a vendor: any business."""

    name: str
    words: str
    google: str
    yelp: str


_TYPES = (
    BusinessType("", "businesses", "", ""),
    BusinessType("bakery", "bakeries", "bakery", "bakeries"),
    BusinessType("car_dealer", "car dealers", "car_dealer", "car_dealers"),
    BusinessType("dentist", "dentists", "dentist", "dentists"),
    BusinessType("electrician", "electricians", "electrician", "electricians"),
    BusinessType("gym", "gyms", "gym", "gyms"),
    BusinessType("hair_salon", "hair salons", "hair_salon", "hair"),
    BusinessType("lawyer", "lawyers", "lawyer", "lawyers"),
    BusinessType("moving_company", "moving companies", "moving_company", "movers"),
    BusinessType("plumber", "plumbers", "plumber", "plumbing"),
    BusinessType("real_estate_agency", "real estate agencies", "real_estate_agency", "realestate"),
    BusinessType("restaurant", "restaurants", "restaurant", "restaurants"),
    BusinessType("roofing_contractor", "roofers", "roofing_contractor", "roofing"),
)
BUSINESS_TYPES = {one.name: one for one in _TYPES}


def business_type(name: str) -> BusinessType:
    """The type of a name; '' is any business."""
    try:
        return BUSINESS_TYPES[name]
    except KeyError:
        known = ", ".join(filter(None, BUSINESS_TYPES))
        raise InputError(f"There is no business type {name!r}.", fix=f"Types: {known}.") from None
