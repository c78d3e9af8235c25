"""Whitepages: what its operation is, costs and may be kept, and how its answer is read.

The API of 2025: a number leads to a list of people, each with addresses on one line. Shapes:
contract `derived_whitepages`. No price is published per call, so the operator sets one. Retention:
RULES, "e-mail, company, people vendors" 180 days. Only name and current addresses are kept of a
person: no relatives, birthday, other phones or e-mail addresses.

Columns, of `enrichment.reverse_phones`: owner_name, owner_type (always person), owners (the whole
list), street, city, state_region, postal_code, country of the first owner's first address; carrier,
line_type, is_prepaid and is_commercial stay unknown.

Belongs here: data and pure parsing. Does not: requests (see `whitepages_client`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields, Part
from resources.phone_owners import PLACE, owner_columns

PROVIDER = "whitepages"

OPERATIONS: Mapping[str, Operation] = {
    "person": Operation("person", "phone", "whitepages_people", timedelta(days=180)),
}

PRICES: tuple[Price, ...] = ()

_READ = Fields("Whitepages")
_STATE_ZIP = re.compile(r"([A-Z]{2})\s+(\d{5})(?:-\d{4})?", re.IGNORECASE)


def kept_of(people: Sequence[Part]) -> dict[str, Any]:
    """Names and current addresses: what of a list of people is stored."""
    return {
        "people": [
            {
                "name": one.get("name"),
                "addresses": [
                    place.get("address") for place in _READ.parts(one, "current_addresses")
                ],
            }
            for one in people
        ]
    }


def parse_person(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.reverse_phones`; the first person speaks for the number."""
    owners = [
        {
            "name": _READ.text(one, "name", 200),
            "type": "person",
            "addresses": [split_address(line) for line in _READ.texts(one, "addresses", 300)],
        }
        for one in _READ.parts(answer, "people")
    ]
    return owner_columns(owners)


def split_address(line: str) -> dict[str, str | None]:
    """An American address on one line by its parts; what is not recognised stays unknown."""
    *parts, last = [part.strip() for part in line.split(",")]
    found = _STATE_ZIP.fullmatch(last)
    if found is None or len(parts) < 2:
        return dict.fromkeys(PLACE)
    return {
        "street": ", ".join(parts[:-1])[:300],
        "city": parts[-1][:100],
        "state_region": found[1].upper(),
        "postal_code": found[2],
        "country": "US",
    }
