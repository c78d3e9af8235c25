"""The step `trust_hub_profiles`: what our own Trust Hub account says of us and our customers.

A subject is a resource of the account by its path. Which operation is about which of them, and in
which order, is `services.trust_hub`'s: one leads to the other.
"""

from __future__ import annotations

from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources.twilio_trust_hub_records import OPERATIONS, PROVIDER

TRUST_HUB_PROFILES = StepDefinition(
    name="trust_hub_profiles",
    title="Trust Hub profiles",
    subject_kind="trust_hub",
    offers=tuple(Offer(PROVIDER, name, slot=name) for name in OPERATIONS),
    partition="none",
)
