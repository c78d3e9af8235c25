"""Twilio Trust Hub: what its operations are, cost and may be kept, and how their answers are read.

The subject is a resource by its path: `CustomerProfiles` (the account's list), a later page of it
(`CustomerProfiles?Page=1&PageToken=…`) or one profile (`CustomerProfiles/BU…`); the same for
`TrustProducts`; for `business` an end user (`EndUsers/IT…`). All reads are free. Kept for 30 days
(RULES: Trust Hub status). E-mail addresses and representatives are dropped before anything is
stored.

Columns of `enrichment.trust_hub_profiles`, by operation:
- listing: listed (how many a page has)
- profile, review: kind, sid, status, policy_sid, policy (our word for a known one), friendly_name,
  valid_until, changed_at, reverify_at
- evaluation: evaluation_status, evaluated_at, score (percent of checks passed), checks_passed and
  checks_failed (`object_type.field`)
- assignments: assigned (sids of end users, documents and profiles)
- business: sid, business_name, registration_number, registration_authority, business_type, domain

Belongs here: data and pure parsing. Does not: requests (see `twilio_trust_hub_client`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from bulk_lookup_dagster.core.subjects import company_domain
from bulk_lookup_dagster.core.trust_hub import APPROVED, KINDS, STATUSES, policy_word
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields, Part

PROVIDER = "twilio_trust_hub"
BUSINESS = "customer_profile_business_information"
SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")
EVALUATIONS = ("compliant", "noncompliant")
MAX_CHECKS = 200
_ATTRIBUTES = (
    *("business_name", "business_registration_number", "business_registration_identifier"),
    *("business_type", "website_url"),
)
MAX_ASSIGNED = 1000


OPERATIONS: Mapping[str, Operation] = {
    name: Operation(name, "trust_hub", PROVIDER, timedelta(days=30), on_unknown="ask_again")
    for name in ("listing", "profile", "evaluation", "assignments", "business", "review")
}

PRICES: tuple[Price, ...] = tuple(
    Price(PROVIDER, name, 0, "Twilio: no charge per call", date(2026, 11, 1)) for name in OPERATIONS
)

_READ = Fields("Twilio Trust Hub")


def sid_of(part: Part, name: str = "sid") -> str:
    """A resource's identifier; raises `BadResponse` where it is none."""
    sid = _READ.text(part, name, 34)
    if sid is None or not SID.fullmatch(sid):
        raise _READ.bad(name, "is no identifier of Twilio's")
    return sid


def status_of(part: Part) -> str:
    """A profile's status; raises `BadResponse` where it has none."""
    status = _word(part, STATUSES)
    if status is None:
        raise _READ.bad("status", "is missing")
    return status


def _word(part: Part, words: Collection[str]) -> str | None:
    status = _READ.text(part, "status", 20)
    if status is not None and status not in words:
        raise _READ.bad("status", "is not one Trust Hub has")
    return status


def kind_of(resource: str) -> str:
    """What a path such as `TrustProducts/BU…` leads to."""
    return KINDS.get(resource.partition("/")[0], KINDS["CustomerProfiles"])


def kept_profile(document: Part, resource: str) -> dict[str, Any]:
    """What is stored of a profile: not its e-mail address."""
    names = ("policy_sid", "friendly_name", "valid_until", "date_created", "date_updated")
    return {
        "kind": kind_of(resource),
        "sid": sid_of(document),
        "status": status_of(document),
        **{name: document.get(name) for name in names},
    }


def kept_evaluation(document: Part) -> dict[str, Any]:
    """What is stored of an evaluation: which fields passed and which did not."""
    if _word(document, EVALUATIONS) is None:
        raise _READ.bad("status", "is missing")
    return {
        "status": document["status"],
        "date_created": document.get("date_created"),
        "results": [
            {
                "object_type": one.get("object_type"),
                "passed": one.get("passed"),
                "valid": [_field(each) for each in _READ.parts(one, "valid")],
                "invalid": [_field(each) for each in _READ.parts(one, "invalid")],
            }
            for one in _READ.parts(document, "results")
        ],
    }


def _field(part: Part) -> dict[str, Any]:
    return {name: part.get(name) for name in ("object_field", "error_code") if name in part}


def kept_business(document: Part) -> dict[str, Any] | None:
    """What is stored of an end user, None where it is no business but a person."""
    if _READ.text(document, "type", 100) != BUSINESS:
        return None
    attributes = _READ.part(document, "attributes")
    return {"sid": sid_of(document), **{name: attributes.get(name) for name in _ATTRIBUTES}}


def parse_listing(part: Part) -> dict[str, Any]:
    """Columns of a page of the account's list."""
    return {"listed": len(_READ.texts(part, "sids", 34))}


def parse_profile(part: Part) -> dict[str, Any]:
    """Columns of a profile, without when it has to be verified anew: that depends on settings."""
    policy_sid = _READ.text(part, "policy_sid", 34)
    return {
        "kind": _READ.text(part, "kind", 20),
        "sid": _READ.text(part, "sid", 34),
        "status": _word(part, STATUSES),
        "policy_sid": policy_sid,
        "policy": policy_word(policy_sid),
        "friendly_name": _READ.text(part, "friendly_name", 200),
        "valid_until": _READ.moment(part, "valid_until"),
        "changed_at": _READ.moment(part, "date_updated"),
    }


def reverify_at(columns: Part, after: timedelta) -> str | None:
    """When an approved profile has to be verified anew: a time after its last change, at the
    latest when it runs out; None for any other.
    """
    if columns["status"] != APPROVED:
        return None
    changed, until = columns["changed_at"], columns["valid_until"]
    due = [] if changed is None else [datetime.fromisoformat(changed) + after]
    due += [] if until is None else [datetime.fromisoformat(until)]
    try:
        return min(due).isoformat() if due else None
    except TypeError:
        raise _READ.bad("valid_until", "or date_updated has no time zone") from None


def parse_evaluation(part: Part) -> dict[str, Any]:
    """Columns of an evaluation."""
    passed, failed = checks_of(part)
    total = len(passed) + len(failed)
    return {
        "evaluation_status": _word(part, EVALUATIONS),
        "evaluated_at": _READ.moment(part, "date_created"),
        "score": 100 * len(passed) // total if total else None,
        "checks_passed": passed,
        "checks_failed": failed,
    }


def checks_of(part: Part) -> tuple[list[str], list[str]]:
    """Checks passed and failed as `object_type.field`; an object without fields is one check."""
    passed: set[str] = set()
    failed: set[str] = set()
    for result in _READ.parts(part, "results"):
        kind = _READ.text(result, "object_type", 100) or "unnamed"
        valid = _fields(result, kind, "valid")
        invalid = _fields(result, kind, "invalid")
        if not (valid or invalid):
            (passed if _READ.flag(result, "passed") else failed).add(kind)
        passed |= valid
        failed |= invalid
    if len(passed) + len(failed) > MAX_CHECKS:
        raise _READ.bad("results", f"has more than {MAX_CHECKS} checks")
    return sorted(passed - failed), sorted(failed)


def _fields(result: Part, kind: str, name: str) -> set[str]:
    names = (_READ.text(one, "object_field", 100) for one in _READ.parts(result, name))
    return {f"{kind}.{one}" for one in names if one}


def parse_assignments(part: Part) -> dict[str, Any]:
    """Columns of what is assigned to a profile."""
    assigned = _READ.texts(part, "assigned", 34)
    if len(assigned) > MAX_ASSIGNED:
        raise _READ.bad("assigned", f"has more than {MAX_ASSIGNED} parts")
    return {"assigned": sorted(set(assigned))}


def parse_business(part: Part) -> dict[str, Any]:
    """Columns of a profile's business."""
    site = _READ.text(part, "website_url", 310)
    return {
        "sid": _READ.text(part, "sid", 34),
        "business_name": _READ.text(part, "business_name", 200),
        "registration_number": _READ.text(part, "business_registration_number", 40),
        "registration_authority": _READ.text(part, "business_registration_identifier", 40),
        "business_type": _READ.text(part, "business_type", 100),
        "domain": company_domain(site),
    }
