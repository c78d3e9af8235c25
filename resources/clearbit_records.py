"""Clearbit's legacy API: what its operations are and may be kept, and how answers are read.

Only for holders of a key from before HubSpot's purchase; none are sold any more. No price is
published, so the operator sets one. Retention: RULES, "e-mail, company, people vendors" 180 days.

Columns, of `enrichment.company_profiles` and `enrichment.person_profiles`: see `profile_shapes`.

Belongs here: data and pure parsing. Does not: requests (see `clearbit_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields
from resources.profile_shapes import company_columns, person_columns

PROVIDER = "clearbit"
_KEEP = timedelta(days=180)

OPERATIONS: Mapping[str, Operation] = {
    "company": Operation("company", "company", "clearbit", _KEEP),
    "person": Operation(
        "person", "person", "clearbit", _KEEP, inputs=("email",), required_inputs=("email",)
    ),
    "combined": Operation("combined", "person", "clearbit", _KEEP),
}

PRICES: tuple[Price, ...] = ()

_READ = Fields("Clearbit")


def parse_company(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.company_profiles`."""
    return company_columns(_READ, answer)


def parse_person(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.person_profiles`."""
    return person_columns(_READ, answer)


def parse_combined(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.person_profiles`; where the person names no company, its own does."""
    columns = person_columns(_READ, _READ.part(answer, "person"))
    company = _READ.part(answer, "company")
    columns["company_name"] = columns["company_name"] or _READ.text(company, "name", 200)
    columns["company_domain"] = columns["company_domain"] or _READ.text(company, "domain", 253)
    return columns
