"""The step `reverse_phones`: to whom every valid number belongs."""

from __future__ import annotations

from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources import trestle_records

REVERSE_PHONES = StepDefinition(
    name="reverse_phones",
    title="Owners of numbers",
    subject_kind="phone",
    offers=(Offer(trestle_records.PROVIDER, "reverse_phone"),),
)
