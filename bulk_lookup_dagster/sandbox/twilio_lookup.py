"""Twilio Lookup v2 as the sandbox plays it; shapes of contract `twilio_lookups_v2`.

Answers follow from the number alone: the same number always has the same carrier, owner and risk.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log (`app`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from bulk_lookup_dagster.core.errors import InputError

PACKAGES = (
    "caller_name",
    "sim_swap",
    "call_forwarding",
    "line_status",
    "line_type_intelligence",
    "identity_match",
    "reassigned_number",
    "sms_pumping_risk",
    "phone_number_quality_score",
    "pre_fill",
)
# Micro-dollars. Published ones are Twilio's; the others are the sandbox's own.
PRICES: Mapping[str, int] = {
    "validation": 0,
    "caller_name": 10_000,
    "line_type_intelligence": 8_000,
    "line_status": 7_000,
    "reassigned_number": 20_000,
    "sms_pumping_risk": 25_000,
    "sim_swap": 40_000,
    "call_forwarding": 40_000,
    "identity_match": 100_000,
    "phone_number_quality_score": 20_000,
    "pre_fill": 50_000,
}
_LINE_TYPES = (
    *("mobile",) * 52,
    *("landline",) * 20,
    *("fixedVoip",) * 9,
    *("nonFixedVoip",) * 8,
    *("tollFree",) * 4,
    *("personal", "premium", "voicemail", "sharedCost", "uan", "pager", "unknown"),
)
_CARRIERS = (
    ("Verizon Wireless", "311", "480"),
    ("T-Mobile USA, Inc.", "310", "160"),
    ("AT&T Wireless", "310", "410"),
    ("Vodafone", "234", "015"),
    ("Bandwidth.com", None, None),
    ("Deutsche Telekom", "262", "001"),
    ("Level 3 Communications", None, None),
    ("Orange", "208", "001"),
)
_FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Ken", "Frances", "Tim")
_LAST = ("Ashby", "Brandt", "Castell", "Dunmore", "Ekholm", "Fairley", "Grove", "Holt", "Ibsen")
_FIRMS = ("Acorn Supply Co", "Birch & Sons", "Cedar Dental", "Delta Freight", "Elm Street Bakery")


@dataclass(frozen=True, slots=True)
class Lookup:
    """What one number is asked: packages and their parameters."""

    subject: str
    packages: tuple[str, ...]
    parameters: Mapping[str, str]
    correlation_id: str | None = None


def single(path: str, query: str) -> Lookup:
    """A GET's question."""
    parameters = dict(parse_qsl(query)) if "&" in query or "%" in query else {}
    fields = parameters.pop("Fields", "") if parameters else query.removeprefix("Fields=")
    subject = path.removeprefix("/v2/PhoneNumbers/")
    return Lookup(subject, tuple(fields.split(",")) if fields else (), parameters)


def batch(body: bytes) -> list[Lookup]:
    """A batch's questions; raises `InputError` where the body is none."""
    found = []
    for one in _questions(body):
        parameters = {
            "".join(word.title() for word in name.split("_")): value
            for package in one.get("fields", ())
            for name, value in (one.get(package) or {}).items()
        }
        found.append(
            Lookup(
                one["phone_number"],
                tuple(one.get("fields", ())),
                parameters,
                one.get("correlation_id"),
            )
        )
    return found


def _questions(body: bytes) -> list[dict[str, Any]]:
    try:
        questions = orjson.loads(body)["phone_numbers"]
    except (ValueError, TypeError, KeyError):
        questions = None
    if not isinstance(questions, list) or not questions or not all(map(_is_question, questions)):
        raise InputError("A batch is an object with a list of phone_numbers.")
    return questions


def _is_question(one: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(one.get("phone_number"), str):
        return False
    fields = one.get("fields", [])
    return isinstance(fields, list) and all(
        isinstance(name, str) and isinstance(one.get(name, {}), dict | None) for name in fields
    )


def unknown_fields(packages: Iterable[str]) -> bool:
    """Whether a package is asked that does not exist."""
    return any(name not in PACKAGES and name != "validation" for name in packages)


def answer(lookup: Lookup, *, wrong_type: bool = False) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The JSON object for a number, and the packages that are billed for it."""
    subject = lookup.subject
    digits = subject.removeprefix("+")
    draw = zlib.crc32(subject.encode())
    valid = digits.isdigit() and 7 <= len(digits) <= 15 and draw % 100 != 7
    body: dict[str, Any] = {
        "calling_country_code": "1" if valid and digits[:1] == "1" else digits[:2] or None,
        "country_code": ("US" if digits[:1] == "1" else "GB") if valid else None,
        "phone_number": subject,
        "national_format": _national(digits) if valid else None,
        "valid": valid,
        "validation_errors": None if valid else [_reason(digits)],
        **dict.fromkeys(PACKAGES),
        "url": f"https://lookups.twilio.com/v2/PhoneNumbers/{subject}",
    }
    if not valid:
        return body, ()
    for name in lookup.packages:
        if name in PACKAGES:
            body[name] = _part(name, draw, lookup.parameters)
    if wrong_type and lookup.packages:
        body[lookup.packages[0]] = {"type": 7, "caller_name": [], "sms_pumping_risk_score": "x"}
    return body, lookup.packages


def _reason(digits: str) -> str:
    if not digits.isdigit():
        return "NOT_A_NUMBER"
    if len(digits) < 7:
        return "TOO_SHORT"
    return "TOO_LONG" if len(digits) > 15 else "INVALID_BUT_POSSIBLE"


def _national(digits: str) -> str:
    if digits[:1] == "1" and len(digits) == 11:
        return f"({digits[1:4]}) {digits[4:7]}-{digits[7:]}"
    return f"0{digits[2:]}"


def _part(name: str, draw: int, parameters: Mapping[str, str]) -> dict[str, Any] | None:
    chance = zlib.crc32(name.encode(), draw) % 1000
    if chance < 4:
        return {"error_code": 60600}
    match name:
        case "line_type_intelligence":
            return _line_type(draw)
        case "caller_name":
            return _caller_name(draw, chance)
        case "sms_pumping_risk":
            return _risk(draw, chance)
        case "sim_swap":
            return _sim_swap(draw, chance)
        case "reassigned_number":
            return _reassigned(chance, parameters)
        case "line_status":
            status = ("active", "active", "active", "inactive", "unreachable")[chance % 5]
            return {"status": status, "error_code": None}
        case "call_forwarding":
            return {"call_forwarding_enabled": chance % 20 == 0, "error_code": None}
        case "identity_match":
            return _identity(chance, parameters)
        case "phone_number_quality_score":
            return {"quality_score": chance // 10, "error_code": None}
    return {"first_name": _FIRST[draw % 10], "last_name": _LAST[draw % 9], "error_code": None}


def _line_type(draw: int) -> dict[str, Any]:
    name, country, network = _CARRIERS[(draw >> 8) % len(_CARRIERS)]
    kind = _LINE_TYPES[draw % len(_LINE_TYPES)]
    mobile = kind == "mobile"
    return {
        "mobile_country_code": country if mobile else None,
        "mobile_network_code": network if mobile else None,
        "carrier_name": name,
        "type": kind,
        "error_code": None,
    }


def _caller_name(draw: int, chance: int) -> dict[str, Any]:
    if chance < 250:
        return {"caller_name": None, "caller_type": None, "error_code": None}
    if chance < 550:
        firm = _FIRMS[draw % len(_FIRMS)]
        return {"caller_name": firm, "caller_type": "BUSINESS", "error_code": None}
    person = f"{_FIRST[draw % 10]} {_LAST[(draw >> 4) % 9]}"
    return {"caller_name": person, "caller_type": "CONSUMER", "error_code": None}


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


def _sim_swap(draw: int, chance: int) -> dict[str, Any]:
    recent = chance < 60
    line = _line_type(draw)
    return {
        "last_sim_swap": {
            "last_sim_swap_date": "2026-11-20T10:18:50Z" if recent else None,
            "swapped_period": "PT48H",
            "swapped_in_period": recent,
        },
        "carrier_name": line["carrier_name"],
        "mobile_country_code": line["mobile_country_code"],
        "mobile_network_code": line["mobile_network_code"],
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
