"""The account that the sandbox's Trust Hub keeps: resources, their review, their evaluation.

A profile is draft, pending-review, in-review and then twilio-approved or twilio-rejected. Only a
draft or a rejected one can be changed or submitted; review takes its time and ends as `Reviews`
say, or in a rejection where something the policy demands is missing.

Belongs here: state and rules. Does not: paths and paging (`twilio_trust_hub`), what the account has
from the start (`twilio_trust_hub_world`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.trust_hub import (
    APPROVED,
    DRAFT,
    EDITABLE,
    IN_REVIEW,
    PENDING,
    POLICIES,
    REJECTED,
    REVIEWED,
)
from bulk_lookup_dagster.sandbox.draws import draw

ACCOUNT = f"AC{0:032x}"
BUSINESS = "customer_profile_business_information"
REPRESENTATIVE = "authorized_representative_1"
ADDRESS = "customer_profile_address"
NEEDED: Mapping[str, Sequence[str]] = {
    BUSINESS: (
        *("business_name", "business_type", "business_industry", "business_registration_number"),
        *("business_registration_identifier", "business_regions_of_operation", "website_url"),
    ),
    REPRESENTATIVE: (
        *("first_name", "last_name", "email", "phone_number", "business_title", "job_position"),
    ),
    ADDRESS: ("address_sids",),
}
_VALID_FOR = timedelta(days=365)


@dataclass(slots=True)
class Reviews:
    """How reviews go that are submitted from now on: seconds until each step, and the verdict."""

    in_review_s: float = 0.2
    verdict_s: float = 0.6
    verdict: str = APPROVED


@dataclass(slots=True)
class Item:
    """An end user or a document."""

    sid: str
    friendly_name: str
    type: str
    attributes: Any
    created: datetime


@dataclass(slots=True)
class Profile:
    """A customer profile or a trust product (`path` says which)."""

    sid: str
    path: str
    friendly_name: str
    email: str
    policy_sid: str
    created: datetime
    updated: datetime
    status: str = DRAFT
    status_callback: str | None = None
    assigned: dict[str, str] = field(default_factory=dict)
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    steps: list[tuple[float, str]] = field(default_factory=list)
    reviews: int = 0

    def now(self) -> str:
        """The status at this moment: a review goes on by itself."""
        while self.steps and self.steps[0][0] <= time.time():
            at, self.status = self.steps.pop(0)
            self.updated = datetime.fromtimestamp(at, UTC)
        return self.status

    def begin(self, following: Sequence[tuple[float, str]]) -> None:
        """Another course of a review: the seconds until each status; the one before is over."""
        now = time.time()
        self.reviews += 1
        self.steps = [(now + seconds, status) for seconds, status in following]

    @property
    def valid_until(self) -> datetime | None:
        """A year after its approval."""
        return self.updated + _VALID_FOR if self.now() == APPROVED else None


class TrustHubAccount:
    """Everything one account has, by identifier."""

    def __init__(self) -> None:
        self.profiles: dict[str, Profile] = {}
        self.items: dict[str, Item] = {}
        self.reviews = Reviews()
        self._made = 0

    def new_sid(self, prefix: str, *key: str) -> str:
        """An identifier; of a key always the same one."""
        self._made += 1
        parts = key or ("made", str(self._made))
        return f"{prefix}{draw('sid', prefix, *parts):016x}{draw('sid', *parts):016x}"

    def submit(self, profile: Profile) -> list[tuple[float, str]]:
        """Begin a review; the seconds until each status that follows."""
        complete = self.evaluate(profile)["status"] == "compliant"
        verdict = self.reviews.verdict if complete else REJECTED
        profile.status, profile.updated = PENDING, datetime.now(UTC)
        following = [(self.reviews.in_review_s, REVIEWED), (self.reviews.verdict_s, verdict)]
        profile.begin(following)
        return following

    def decide(self, sid: str, verdict: str) -> Profile:
        """End the review of one profile at this moment, whatever the clock would have brought."""
        profile = self.profiles.get(sid)
        if profile is None or profile.now() not in IN_REVIEW:
            raise InputError(f"No profile {sid} is in review.")
        profile.begin([(0.0, verdict)])
        return profile

    def may_become(self, profile: Profile, status: str) -> bool:
        """Whether a customer may set this status now."""
        now = profile.now()
        return now in EDITABLE and status in (DRAFT, PENDING) and now not in IN_REVIEW

    def evaluate(self, profile: Profile) -> dict[str, Any]:
        """What the policy says about what is assigned at this moment; not kept."""
        have = {one.type: one for sid in profile.assigned if (one := self.items.get(sid))}
        results = [_result(kind, have.get(kind)) for kind in NEEDED] if _is_business(profile) else [
            self._profile_result(profile)
        ]  # fmt: skip
        passed = all(one["passed"] for one in results)
        return {
            "sid": self.new_sid("EL"),
            "account_sid": ACCOUNT,
            "policy_sid": profile.policy_sid,
            "status": "compliant" if passed else "noncompliant",
            "results": results,
            "date_created": iso(datetime.now(UTC)),
        }

    def _profile_result(self, product: Profile) -> dict[str, Any]:
        """A trust product needs an approved customer profile, and nothing else here."""
        found = [self.profiles[sid] for sid in product.assigned if sid in self.profiles]
        passed = any(one.now() == APPROVED for one in found)
        reason = None if passed else "An approved Customer Profile is missing."
        return _document("customer_profile", passed, reason, [], [])


def _is_business(profile: Profile) -> bool:
    names = ("primary_business", "secondary_business", "starter")
    return profile.policy_sid in {POLICIES[name] for name in names}


def _result(kind: str, item: Item | None) -> dict[str, Any]:
    given = item.attributes if item is not None and isinstance(item.attributes, dict) else {}
    valid = [{"friendly_name": _title(one), "object_field": one} for one in NEEDED[kind]
             if given.get(one)]  # fmt: skip
    invalid = [
        {
            "friendly_name": _title(one),
            "object_field": one,
            "failure_reason": f"The {_title(one)} is missing.",
            "error_code": 22_215 + number,
        }
        for number, one in enumerate(NEEDED[kind])
        if not given.get(one)
    ]
    reason = f"{_title(kind)} is missing or incomplete." if invalid else None
    return _document(kind, not invalid, reason, valid, invalid)


def _document(
    kind: str,
    passed: bool,
    reason: str | None,
    valid: list[dict[str, Any]],
    invalid: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "friendly_name": _title(kind),
        "object_type": kind,
        "requirement_name": kind,
        "passed": passed,
        "failure_reason": reason,
        "error_code": None if passed else 22_214,
        "valid": valid,
        "invalid": invalid,
    }


def _title(name: str) -> str:
    return name.replace("_", " ").title()


def iso(moment: datetime | None) -> str | None:
    """As Twilio writes it."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
