"""Hunter: what its operations are, cost and may be kept, and how their answers are read.

Shapes: contract `derived_hunter`. Prices: a credit of the Starter plan as read in 2026; what is not
found costs nothing, a verification half a credit or one. Retention: RULES, "e-mail, company, people
vendors" 180 days. Hunter has no search by phone.

Columns, of `enrichment.email_candidates`: email, confidence, source (found|inferred), position,
linkedin, accept_all, verification; of `enrichment.email_verifications`: verdict, sub_status, score,
is_free, is_disposable, mx_found; of `enrichment.company_profiles` and `enrichment.person_profiles`:
see `profile_shapes`.

Belongs here: data and pure parsing. Does not: requests (see `hunter_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields, Part
from resources.profile_shapes import company_columns, person_columns

PROVIDER = "hunter"
PRICES_AS_OF = date(2026, 10, 1)
CLAIMED = "claimed_email"
_KEEP = timedelta(days=180)
_CREDIT_MICROS = 24_500
_SOURCE = "Hunter Starter: $49 for 2,000 credits"

OPERATIONS: Mapping[str, Operation] = {
    "email_finder": Operation("email_finder", "person", "hunter", _KEEP),
    "email_verifier": Operation("email_verifier", "email", "hunter", _KEEP),
    "people": Operation(
        "people", "person", "hunter", _KEEP, inputs=("email",), required_inputs=("email",)
    ),
    "companies": Operation("companies", "company", "hunter", _KEEP),
}

PRICES: tuple[Price, ...] = tuple(
    Price(PROVIDER, name, _CREDIT_MICROS, _SOURCE, PRICES_AS_OF) for name in OPERATIONS
)

_READ = Fields("Hunter")
_VERDICTS: Mapping[str, str] = {
    "valid": "valid",
    "invalid": "invalid",
    "accept_all": "accept_all",
    "disposable": "do_not_mail",
    CLAIMED: "do_not_mail",
}


def verdict(part: Part) -> str:
    """The verdict in our words; a webmail address is one only where its server confirmed it."""
    status = _READ.text(part, "status", 30) or ""
    if status == "webmail":
        return "valid" if _READ.flag(part, "smtp_check") else "unknown"
    return _VERDICTS.get(status, "unknown")


def parse_email_finder(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.email_candidates`; seen somewhere, or inferred from the others."""
    email = _READ.text(answer, "email", 320)
    seen = bool(_READ.parts(answer, "sources"))
    return {
        "email": email,
        "confidence": _READ.whole(answer, "score"),
        "source": None if email is None else "found" if seen else "inferred",
        "position": _READ.text(answer, "position", 200),
        "linkedin": _READ.text(answer, "linkedin_url", 300),
        "accept_all": _READ.flag(answer, "accept_all"),
        "verification": _READ.text(_READ.part(answer, "verification"), "status", 30),
    }


def parse_email_verifier(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.email_verifications`."""
    return {
        "verdict": verdict(answer),
        "sub_status": _READ.text(answer, "status", 60),
        "score": _READ.whole(answer, "score"),
        "is_free": _READ.flag(answer, "webmail"),
        "is_disposable": _READ.flag(answer, "disposable"),
        "mx_found": _READ.flag(answer, "mx_records"),
    }


def parse_people(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.person_profiles`."""
    return person_columns(_READ, answer)


def parse_companies(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.company_profiles`."""
    return company_columns(_READ, answer)
