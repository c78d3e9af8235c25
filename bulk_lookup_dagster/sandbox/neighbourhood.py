"""What vendors of local search list in a ZIP code: firms of the sandbox's world.

Lists are never exact: a vendor misses some firms, lists closed ones, and shows a few from the
neighbouring ZIP code.

Belongs here: who is listed, in which order. Does not: vendors' shapes (one file each).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.people import TRADES, Company, companies_in
from bulk_lookup_dagster.sandbox.places import Point, locate

_CLOSED_SHARE, _NEIGHBOURS = 0.04, 3
_TYPES = {
    "Dental": "dentist",
    "Plumbing": "plumber",
    "Logistics": "moving_company",
    "Realty": "real_estate_agency",
    "Roofing": "roofing_contractor",
    "Bakery": "bakery",
    "Legal": "lawyer",
    "Motors": "car_dealer",
    "Fitness": "gym",
}
_BY_INDUSTRY = {industry: _TYPES.get(trade, "") for trade, _, industry in TRADES}


@dataclass(frozen=True, slots=True)
class Listing:
    """A firm as local search lists it; `kind` in the platform's words, '' where it has none."""

    company: Company
    kind: str
    closed: bool

    @property
    def point(self) -> Point | None:
        """Where it is."""
        address = self.company.address
        return locate(address.street, address.city, address.state, address.postal_code)


def listed(vendor: str, zipcode: str, share: float, kinds: Collection[str] = ()) -> list[Listing]:
    """What a vendor that knows this share of firms lists, the most relevant first."""
    beside = f"{int(zipcode) + 1:05d}"
    firms = [*companies_in(zipcode), *companies_in(beside)[:_NEIGHBOURS]]
    known = [one for one in firms if knows(vendor, "business", one.key, share)]
    found = [
        Listing(one, kind, knows("world", "closed", one.key, _CLOSED_SHARE))
        for one in known
        if (kind := _BY_INDUSTRY.get(one.industry, "")) in kinds or not kinds
    ]
    return sorted(found, key=lambda one: draw("rank", vendor, one.company.key))
