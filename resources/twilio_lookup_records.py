"""Twilio Lookup v2: what its packages are, cost and may be kept, and how their parts are read.

Shapes: contract `twilio_lookups_v2`; every field is nullable there or in the vendor's examples.
Prices: Twilio's price pages as read in October 2026; a package without a public price is absent
and must be priced by the operator. Retention: RULES, "How long a provider's data may be kept".

Belongs here: data and pure parsing. Does not: requests (see `twilio_lookup_client`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.core.risk import risk_level
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields

PROVIDER = "twilio_lookup"
PRICES_AS_OF = date(2026, 10, 1)

IDENTITY_INPUTS = (
    "first_name",
    "last_name",
    "address_line1",
    "address_line2",
    "city",
    "state",
    "postal_code",
    "address_country_code",
    "national_id",
    "date_of_birth",
)

_DAY = timedelta(days=1)


def _operation(
    name: str,
    licence: str,
    keep: timedelta | None,
    inputs: tuple[str, ...] = (),
    required: tuple[str, ...] = (),
) -> Operation:
    return Operation(name, "phone", licence, keep, "hold", inputs, required)


OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("validation", "phone", "numbering_plan", None, "ask_again"),
        _operation("caller_name", "twilio_caller_name", 30 * _DAY),
        _operation("line_type_intelligence", "twilio_line_type", 90 * _DAY),
        _operation("line_status", "twilio_line_status", 30 * _DAY),
        _operation("sim_swap", "twilio_identity", _DAY),
        _operation("call_forwarding", "twilio_identity", _DAY),
        _operation("identity_match", "twilio_identity", _DAY, IDENTITY_INPUTS, ("last_name",)),
        _operation(
            "reassigned_number",
            "reassigned_number",
            30 * _DAY,
            ("last_verified_date",),
            ("last_verified_date",),
        ),
        _operation("sms_pumping_risk", "twilio_risk", 90 * _DAY, ("partner_sub_id",)),
        _operation("phone_number_quality_score", "twilio_risk", 90 * _DAY),
        _operation(
            "pre_fill", "twilio_identity", _DAY, ("verification_sid",), ("verification_sid",)
        ),
    )
}

BATCH_OPERATIONS = frozenset(
    {
        "caller_name",
        "sim_swap",
        "call_forwarding",
        "line_type_intelligence",
        "line_status",
        "identity_match",
        "reassigned_number",
        "sms_pumping_risk",
    }
)

PRICES: tuple[Price, ...] = tuple(
    Price(PROVIDER, name, micros, source, PRICES_AS_OF)
    for name, micros, source in (
        ("validation", 0, "twilio.com Lookup pricing: formatting and validation are free"),
        ("line_type_intelligence", 8_000, "twilio.com Lookup pricing: $0.008"),
        ("line_status", 7_000, "twilio.com Lookup pricing: $0.007"),
        ("reassigned_number", 20_000, "twilio.com Lookup pricing: $0.02"),
        ("caller_name", 10_000, "twilio.com Lookup pricing, third-party reading: $0.01"),
    )
)


_READ = Fields("Twilio Lookup")


def _line_type(part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "line_type": _READ.text(part, "type", 30),
        "carrier_name": _READ.text(part, "carrier_name", 200),
        "mobile_country_code": _READ.text(part, "mobile_country_code", 5),
        "mobile_network_code": _READ.text(part, "mobile_network_code", 5),
    }


def _caller_name(part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "caller_name": _READ.text(part, "caller_name", 200),
        "caller_type": _READ.text(part, "caller_type", 30),
    }


def _sms_pumping(part: Mapping[str, Any]) -> dict[str, Any]:
    score = _READ.whole(part, "sms_pumping_risk_score")
    blocked = _READ.flag(part, "number_blocked")
    blocked_at = _READ.moment(part, "number_blocked_date")
    return {
        "sms_pumping_risk_score": score,
        "carrier_risk_category": _READ.text(part, "carrier_risk_category", 30),
        "number_blocked": blocked,
        "number_blocked_on": blocked_at and blocked_at[:10],
        "number_blocked_last_3_months": _READ.flag(part, "number_blocked_last_3_months"),
        "risk_level": risk_level(score, blocked=blocked),
    }


def _sim_swap(part: Mapping[str, Any]) -> dict[str, Any]:
    last = _READ.part(part, "last_sim_swap")
    return {
        "sim_swapped_at": _READ.moment(last, "last_sim_swap_date"),
        "sim_swapped_in_period": _READ.flag(last, "swapped_in_period"),
        "carrier_name": _READ.text(part, "carrier_name", 200),
        "mobile_country_code": _READ.text(part, "mobile_country_code", 5),
        "mobile_network_code": _READ.text(part, "mobile_network_code", 5),
        "details": {"swapped_period": _READ.text(last, "swapped_period", 40)},
    }


def _reassigned(part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "reassigned": _READ.text(part, "is_number_reassigned", 30),
        "details": {"last_verified_date": _READ.text(part, "last_verified_date", 20)},
    }


def _call_forwarding(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"call_forwarding_enabled": _READ.flag(part, "call_forwarding_enabled")}


_OTHER_TABLES = ("line_status",)  # of a step of its own, without the look-up's columns
_LINE_STATUSES: Mapping[str, str] = {
    "active": "connected",
    "reachable": "connected",
    "inactive": "disconnected",
    "unreachable": "unreachable",
    "unknown": "unknown",
}


def _line_status(part: Mapping[str, Any]) -> dict[str, Any]:
    """Column of `enrichment.line_statuses`; a word we do not know is kept as it came."""
    status = _READ.text(part, "status", 30)
    return {"line_status": None if status is None else _LINE_STATUSES.get(status, status)}


def _identity_match(part: Mapping[str, Any]) -> dict[str, Any]:
    matches = {name: _READ.text(part, name, 40) for name in part if name.endswith("_match")}
    return {"identity_score": _READ.whole(part, "summary_score"), "details": matches}


def _quality_score(part: Mapping[str, Any]) -> dict[str, Any]:
    score = part.get("quality_score")
    known = isinstance(score, int) and not isinstance(score, bool) and 0 <= score <= 100
    # The contract leaves this package's shape open: what is not known is kept raw.
    return {"quality_score": score if known else None, "details": dict(part)}


def _pre_fill(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"details": dict(part)}


_PARSERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "line_type_intelligence": _line_type,
    "caller_name": _caller_name,
    "sms_pumping_risk": _sms_pumping,
    "sim_swap": _sim_swap,
    "reassigned_number": _reassigned,
    "call_forwarding": _call_forwarding,
    "line_status": _line_status,
    "identity_match": _identity_match,
    "phone_number_quality_score": _quality_score,
    "pre_fill": _pre_fill,
}


def parse_part(operation: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.phone_lookups` for one package's part of an answer.

    Missing optional values are None; a value of the wrong type or length is a `BadResponse` that
    names the field and the rule, never the value.
    """
    errors = answer.get("validation_errors")
    if errors is not None and not (
        isinstance(errors, list) and all(isinstance(one, str) for one in errors)
    ):
        raise _READ.bad("validation_errors", "is not a list of texts")
    columns: dict[str, Any] = {
        "valid": _READ.flag(answer, "valid"),
        "validation_errors": errors,
        "national_format": _READ.text(answer, "national_format", 40),
        "country_code": _READ.text(answer, "country_code", 3),
    }
    if operation in _OTHER_TABLES:
        columns = {}
    part = answer.get(operation)
    if part is None or operation not in _PARSERS:
        return columns
    if not isinstance(part, dict):
        raise _READ.bad(operation, "is not an object")
    columns.update(_PARSERS[operation](part))
    return columns
