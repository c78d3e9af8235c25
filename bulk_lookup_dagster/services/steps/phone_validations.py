"""The step `phone_validations`: NumVerify's second opinion about every valid number."""

from __future__ import annotations

from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources import numverify_records

PHONE_VALIDATIONS = StepDefinition(
    name="phone_validations",
    title="Second opinions on numbers",
    subject_kind="phone",
    offers=(Offer(numverify_records.PROVIDER, "validate"),),
)
