"""Words of Twilio Trust Hub that several layers use: statuses, policies.

Belongs here: data. Does not: requests (`resources.twilio_trust_hub_client`).
"""

from __future__ import annotations

from collections.abc import Mapping

DRAFT, PENDING, REVIEWED, REJECTED, APPROVED = (
    *("draft", "pending-review", "in-review", "twilio-rejected", "twilio-approved"),
)
STATUSES = (DRAFT, PENDING, REVIEWED, REJECTED, APPROVED)
IN_REVIEW = (PENDING, REVIEWED)
EDITABLE = (DRAFT, REJECTED)
"""Statuses in which a profile may be changed and submitted."""

KINDS = {"CustomerProfiles": "customer_profile", "TrustProducts": "trust_product"}
"""What a list of the account holds, by the list's path."""

# Twilio's own, the same in every account: docs of its Trust Hub onboarding, read 2026-10.
POLICIES: Mapping[str, str] = {
    "primary_business": "RN6433641899984f951173ef1738c3bdd0",
    "secondary_business": "RNdfbf3fae0e1107f8aded0e7cead80bf5",
    "starter": "RN806dd6cd175f314e1f96a9727ee271f4",
    "a2p_messaging": "RNb0d4771c2c98518d916a3d4cd70a8f8b",
    "shaken_stir": "RN7a97559effdf62d00f4298208492a5ea",
    "cnam": "RNf3db3cd1fe25fcfd3c3ded065c8fea53",
    "sole_proprietor_a2p": "RN670d5d2e282a6130ae063b234b6019c8",
}
_WORDS = {sid: word for word, sid in POLICIES.items()}


def policy_word(sid: str | None) -> str | None:
    """Our word for a policy, None for one we do not know."""
    return _WORDS.get(sid or "")
