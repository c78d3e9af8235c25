"""NumVerify: what its operation is, costs and may be kept, and how its answer is read.

A second opinion on validity, line type and carrier. It knows nothing about businesses: no name is
read from it. Shapes: contract `derived_numverify`. No price is published per call, so the operator
sets one. Retention: RULES, NumVerify 90 days.

Columns, of `enrichment.phone_validations`: valid, line_type, carrier, country_code, location.

Belongs here: data and pure parsing. Does not: requests (see `numverify_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields

PROVIDER = "numverify"

OPERATIONS: Mapping[str, Operation] = {
    "validate": Operation("validate", "phone", "numverify", timedelta(days=90)),
}

PRICES: tuple[Price, ...] = ()

_READ = Fields("NumVerify")

# Its names in the words Twilio's line types use, so that agreement can be counted.
_LINE_TYPES: Mapping[str, str] = {
    "mobile": "mobile",
    "landline": "landline",
    "toll_free": "tollFree",
    "premium_rate": "premium",
    "special_services": "uan",
    "paging": "pager",
    "satellite": "unknown",
}


def parse_validate(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.phone_validations`; a name we do not know is kept as it came."""
    valid = _READ.flag(answer, "valid")
    if valid is None:
        raise BadResponse("NumVerify: valid is missing.")
    line_type = _READ.text(answer, "line_type", 30)
    return {
        "valid": valid,
        "line_type": None if line_type is None else _LINE_TYPES.get(line_type, line_type),
        "carrier": _READ.text(answer, "carrier", 200),
        "country_code": _READ.text(answer, "country_code", 3),
        "location": _READ.text(answer, "location", 200),
    }
