"""Twilio Lookup's packages as the sandbox answers them; shapes of contract `twilio_lookups_v2`.

Belongs here: one package's part of an answer. Does not: paths and requests (`twilio_lookup`).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from bulk_lookup_dagster.sandbox import world


def part(
    name: str, draw: int, told: world.Phone, parameters: Mapping[str, str]
) -> dict[str, Any] | None:
    """A package's part of the answer about a number."""
    chance = zlib.crc32(name.encode(), draw) % 1000
    if chance < 4:
        return {"error_code": 60600}
    match name:
        case "line_type_intelligence":
            return _line_type(told)
        case "caller_name":
            return _caller_name(told, chance)
        case "sms_pumping_risk":
            return _risk(draw, chance)
        case "sim_swap":
            return _sim_swap(told, chance)
        case "reassigned_number":
            return _reassigned(chance, parameters)
        case "line_status":
            return {"status": _status(told.activity), "error_code": None}
        case "call_forwarding":
            return {"call_forwarding_enabled": chance % 20 == 0, "error_code": None}
        case "identity_match":
            return _identity(chance, parameters)
        case "phone_number_quality_score":
            return {"quality_score": chance // 10, "error_code": None}
    person = told.owner if isinstance(told.owner, world.Person) else None
    names = (person.first, person.last) if person else (None, None)
    return {"first_name": names[0], "last_name": names[1], "error_code": None}


def _status(activity: int) -> str:
    return "active" if activity >= 70 else "inactive" if activity <= 30 else "unreachable"


def _line_type(told: world.Phone) -> dict[str, Any]:
    return {
        "mobile_country_code": told.mobile_country_code,
        "mobile_network_code": told.mobile_network_code,
        "carrier_name": told.carrier,
        "type": told.line_type,
        "error_code": None,
    }


def _caller_name(told: world.Phone, chance: int) -> dict[str, Any]:
    owner = None if chance < 200 else told.owner
    kind = "BUSINESS" if isinstance(owner, world.Company) else "CONSUMER"
    return {
        "caller_name": owner and owner.name,
        "caller_type": owner and kind,
        "error_code": None,
    }


def _risk(draw: int, chance: int) -> dict[str, Any]:
    score = None if chance < 60 else (draw >> 3) % 26 if chance < 800 else (draw >> 3) % 101
    blocked = chance >= 990
    return {
        "carrier_risk_category": None if score is None else ("low", "medium", "high")[score // 34],
        "number_blocked": blocked,
        "number_blocked_date": "2026-08-14T09:30:00Z" if blocked else None,
        "number_blocked_last_3_months": blocked or None,
        "sms_pumping_risk_score": score,
        "error_code": None,
    }


def _sim_swap(told: world.Phone, chance: int) -> dict[str, Any]:
    recent = chance < 60
    return {
        "last_sim_swap": {
            "last_sim_swap_date": "2026-11-20T10:18:50Z" if recent else None,
            "swapped_period": "PT48H",
            "swapped_in_period": recent,
        },
        "carrier_name": told.carrier,
        "mobile_country_code": told.mobile_country_code,
        "mobile_network_code": told.mobile_network_code,
        "error_code": None,
    }


def _reassigned(chance: int, parameters: Mapping[str, str]) -> dict[str, Any]:
    date = parameters.get("LastVerifiedDate")
    if not date:
        return {"is_number_reassigned": None, "last_verified_date": None, "error_code": "60602"}
    verdict = "yes" if chance < 60 else "no_data_available" if chance < 160 else "no"
    return {"is_number_reassigned": verdict, "last_verified_date": date, "error_code": None}


def _identity(chance: int, parameters: Mapping[str, str]) -> dict[str, Any]:
    match = "exact_match" if chance < 600 else "high_partial_match" if chance < 750 else "no_match"
    return {
        "first_name_match": match if "FirstName" in parameters else None,
        "last_name_match": match,
        "address_lines_match": None,
        "city_match": None,
        "state_match": None,
        "postal_code_match": match if "PostalCode" in parameters else None,
        "address_country_match": None,
        "national_id_match": None,
        "date_of_birth_match": None,
        "summary_score": {"exact_match": 100, "high_partial_match": 80}.get(match, 10),
        "error_code": None,
        "error_message": None,
    }
