"""The step `addresses`: what the postal service and Google say about every address.

An address has one spelling whoever named it (`core.postal`); which of several is a contact's own
says the view `enrichment.contact_addresses`.
"""

from __future__ import annotations

from bulk_lookup_dagster.services.derivations import ADDRESS
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources.google_address_records import PROVIDER

ADDRESSES = StepDefinition(
    name="addresses",
    title="Validated addresses",
    subject_kind="address",
    offers=(Offer(PROVIDER, "validate_address"),),
    derivation=ADDRESS,
    confidence_column="confidence",
    expected_share=0.6,
)
