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
from bulk_lookup_dagster.sandbox import world
from bulk_lookup_dagster.sandbox.faults import amounts
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import Reply, json_reply
from bulk_lookup_dagster.sandbox.twilio_account import (
    TwilioAccount,
    not_found,
    twilio_error,
    unauthorised,
)
from bulk_lookup_dagster.sandbox.twilio_lookup_parts import part

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
_LIMIT = 1_000
_PATH = "/v2/PhoneNumbers/"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What one number is asked: packages and their parameters."""

    subject: str
    packages: tuple[str, ...]
    parameters: Mapping[str, str]
    correlation_id: str | None = None


class TwilioLookup(TwilioAccount):
    """The vendor; any pair of an AC… or SK… and a password but `wrong` is one of ours."""

    name = "twilio_lookup"
    prices: Mapping[str, int] = PRICES

    def __init__(self) -> None:
        super().__init__()
        self._batch_offered = True
        self._limits = [_bucket(name, _LIMIT) for name in PACKAGES]
        self._count = 0
        self._asked = Lookup("", (), {})

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The first number and its packages."""
        if request.method == "GET" and request.path.startswith(_PATH):
            self._asked = lookup = single(request.path, request.query)
            return lookup.subject, lookup.packages
        try:
            lookup = batch(request.body)[0]
        except InputError:
            return request.path, ()
        return lookup.subject, lookup.packages

    def answer(self, request: Request) -> Reply:
        """A look-up of one number or several, or this account's limits."""
        if not self.authorised(request):
            return unauthorised()
        if request.method == "GET" and request.path.startswith(_PATH):
            return self._single()
        if request.method == "POST" and request.path == "/v2/batch/query" and self._batch_offered:
            return self._batch(request)
        if request.method == "GET" and request.path == "/v2/RateLimits":
            return json_reply({"rate_limits": self._limits}, counted=False)
        return not_found()

    def control(self, name: str, document: Any) -> bool:
        """`batch`: whether the account is offered it; `limits`: what it is told of its limits."""
        if name == "batch":
            self._batch_offered = bool(document["offered"])
        elif name == "limits":
            self._limits = [_bucket(field, rate) for field, rate in amounts(document).items()]
        return name in ("batch", "limits")

    def _single(self) -> Reply:
        lookup = self._asked  # of this request: `asked` comes first
        if unknown_fields(lookup.packages):
            return twilio_error(400, 60610, "Invalid Fields")
        body, packages = answer(lookup)
        return self._counted(body, [(lookup.subject, name) for name in packages])

    def _batch(self, request: Request) -> Reply:
        try:
            lookups = batch(request.body)
        except InputError:
            return twilio_error(400, 60600, "Invalid request body")
        bodies, billed = [], []
        for lookup in lookups:
            body, packages = answer(lookup)
            body.pop("url")
            body["correlation_id"] = lookup.correlation_id
            body["twilio_error_code"] = None
            bodies.append(body)
            billed += [(lookup.subject, name) for name in packages]
        return self._counted({"phone_numbers": bodies}, billed)

    def _counted(self, document: dict[str, Any], billed: list[tuple[str, str]]) -> Reply:
        self._count += 1
        request_id = f"Twilio-Request-Id: RQ{self._count:032x}\r\n"
        return Reply(200, orjson.dumps(document), request_id, billed)


def _bucket(package: str, limit: int) -> dict[str, Any]:
    return {"field": package, "limit": limit, "bucket": "account", "owner": "twilio", "ttl": 1}


def single(path: str, query: str) -> Lookup:
    """A GET's question."""
    parameters = dict(parse_qsl(query)) if "&" in query or "%" in query else {}
    fields = parameters.pop("Fields", "") if parameters else query.removeprefix("Fields=")
    subject = path.removeprefix(_PATH)
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


def answer(lookup: Lookup) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The JSON object for a number, and the packages that are billed for it."""
    subject = lookup.subject
    digits = subject.removeprefix("+")
    draw = zlib.crc32(subject.encode())
    told = world.phone(subject)
    valid = told.valid
    body: dict[str, Any] = {
        "calling_country_code": "1" if valid and digits[:1] == "1" else digits[:2] or None,
        "country_code": told.region or None if valid else None,
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
            body[name] = part(name, draw, told, lookup.parameters)
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
