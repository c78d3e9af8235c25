"""Twilio's add-ons of Lookup v1: what they are, cost and may be kept, how they are read.

`real_phone_validation` says whether a number is in service, `icehook_scout` whether it was ported.
Neither publishes a contract, and Scout is known in two shapes: porting facts, or a risk level. Both
are read, and the add-on's own answer is kept beside the columns. Real Phone Validation's price is
one people report, not one that is published; Scout has none, so the operator sets it. Retention:
RULES, line status 30 days; porting and LRN 30 days, for routing.

Columns, of `enrichment.line_statuses`: line_status, is_cell; of `enrichment.phone_porting`: ported,
location_routing_number, operating_company_name, operating_company_type, risk_level, details.

Belongs here: data and pure parsing. Does not: requests (see `twilio_addons_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields

PROVIDER = "twilio_addons"

_MONTH = timedelta(days=30)
OPERATIONS: Mapping[str, Operation] = {
    "real_phone_validation": Operation(
        "real_phone_validation", "phone", "twilio_line_status", _MONTH
    ),
    "icehook_scout": Operation("icehook_scout", "phone", "npac_porting", _MONTH),
}

PRICES: tuple[Price, ...] = (
    Price(
        *(PROVIDER, "real_phone_validation", 60_000),
        "reported: $0.06; compare with your Twilio console",
        date(2026, 11, 1),
    ),
)

_READ = Fields("Twilio add-ons")
_STATUSES: Mapping[str, str] = {
    "connected": "connected",
    "connected-75": "connected",
    "disconnected": "disconnected",
    "disconnected-70": "disconnected",
    "disconnected-85": "disconnected",
    "pending": "pending",
    "busy": "busy",
    "unreachable": "unreachable",
    "invalid phone": "invalid",
    "invalid-phone": "invalid",
    "restricted": "restricted",
}
_YES, _NO = {"true", "y", "yes", "1"}, {"false", "n", "no", "0"}


def parse_real_phone_validation(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.line_statuses`; a word we do not know is unknown (F37)."""
    word = (_READ.text(answer, "status", 40) or "").strip().casefold()
    return {
        "line_status": _STATUSES.get(word, "unknown"),
        "is_cell": _yes_or_no(answer, "iscell"),
    }


def parse_icehook_scout(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.phone_porting`; what a shape does not have is not known."""
    routing = "".join(filter(str.isdigit, _text(answer, "location_routing_number", 40) or ""))
    return {
        "ported": _yes_or_no(answer, "ported"),
        "location_routing_number": routing if 10 <= len(routing) <= 15 else None,
        "operating_company_name": _READ.text(answer, "operating_company_name", 200),
        "operating_company_type": _READ.text(answer, "operating_company_type", 60),
        "risk_level": _text(answer, "risk_level", 30),
        "details": dict(answer),
    }


def _text(answer: Mapping[str, Any], name: str, length: int) -> str | None:
    """Text, or a whole number as text: shapes differ in this."""
    value = answer.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:length]
    return _READ.text(answer, name, length)


def _yes_or_no(answer: Mapping[str, Any], name: str) -> bool | None:
    """A flag, written as one or as a word."""
    value = answer.get(name)
    if isinstance(value, bool):
        return value
    word = (_text(answer, name, 20) or "").strip().casefold()
    return True if word in _YES else False if word in _NO else None
