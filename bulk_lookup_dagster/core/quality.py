"""How good a golden contact is: 0 to 100, from parts of 0 to 100 each.

Belongs here: the points and the rule. Does not: the same rule over sets of rows
(`matching.quality`, which reads these points).

A part that cannot be judged is None and does not count: unknown risk is not low risk (F37), one
record agrees with nobody, a person needs no company. Everything else being equal, better evidence
never lowers a score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Mailbox = Literal["none", "refuted", "role", "given", "confirmed"]
Risk = Literal["low", "medium", "high", "unknown"]
Parts = Mapping[str, int | None]

WEIGHTS: Mapping[str, int] = {
    "validity": 20,
    "verified_email": 15,
    "company": 10,
    "name": 15,
    "reachability": 15,
    "risk": 10,
    "freshness": 10,
    "agreement": 5,
}
"""What each part counts for. Whether one can reach somebody at all weighs most."""
VALIDITY: Mapping[bool | None, int] = {False: 0, None: 60, True: 100}
EMAIL: Mapping[str, int] = {"none": 0, "refuted": 0, "role": 30, "given": 50, "confirmed": 100}
NAME = (0, 50, 100)
"""By how many of given and family name are known."""
COMPANY, WEBSITE = 60, 40
REACH_PHONE: Mapping[bool | None, int] = {False: 0, None: 40, True: 60}
REACH_EMAIL: Mapping[str, int] = {"none": 0, "refuted": 0, "role": 10, "given": 20, "confirmed": 30}
REACH_ADDRESS = 10
RISK: Mapping[str, int] = {"low": 100, "medium": 50, "high": 0}
STALE_DAYS = 730
"""Days after which nothing of freshness is left."""
FIELDS: Mapping[str, tuple[str, ...]] = {
    kind: (
        *named,
        *("email", "street", "city", "state_region", "postal_code", "country"),
    )
    for kind, named in {
        "person": ("name",),
        "organisation": ("company", "website"),
        "unknown": ("name",),
        "nameless": ("name",),
    }.items()
}
"""Fields that apply to each kind; beside them there is always a phone number."""


@dataclass(frozen=True)
class Evidence:
    """What is known about a golden contact. `filled` counts its fields in `FIELDS`."""

    kind: str
    phone_confirmed: bool | None
    mailbox: Mailbox
    name_parts: int
    has_company: bool
    has_website: bool
    has_address: bool
    opted_out: bool
    risk: Risk
    age_days: int
    compared: int
    differing: int
    filled: int


def rate(evidence: Evidence) -> Parts:
    """The parts, in the order of `WEIGHTS`."""
    organisation = evidence.kind == "organisation"
    return {
        "validity": VALIDITY[evidence.phone_confirmed],
        "verified_email": EMAIL[evidence.mailbox],
        "company": (evidence.has_company * COMPANY + evidence.has_website * WEBSITE)
        if organisation
        else None,
        "name": None if organisation else NAME[evidence.name_parts],
        "reachability": 0 if evidence.opted_out else _reach(evidence),
        "risk": RISK.get(evidence.risk),
        "freshness": max(0, 100 - max(evidence.age_days, 0) * 100 // STALE_DAYS),
        "agreement": 100 - evidence.differing * 100 // evidence.compared
        if evidence.compared
        else None,
    }


def _reach(evidence: Evidence) -> int:
    phone, mailbox = REACH_PHONE[evidence.phone_confirmed], REACH_EMAIL[evidence.mailbox]
    return phone + mailbox + evidence.has_address * REACH_ADDRESS


def score(parts: Parts) -> int:
    """The weighted mean of the parts that could be judged, rounded; 0 where none could."""
    known = [(WEIGHTS[name], value) for name, value in parts.items() if value is not None]
    weight = sum(one for one, _ in known)
    if not weight:
        return 0
    return (2 * sum(one * value for one, value in known) + weight) // (2 * weight)


def completeness(kind: str, filled: int) -> int:
    """Per cent of the fields that apply which are known, the phone number among them."""
    return (filled + 1) * 100 // (len(FIELDS[kind]) + 1)
