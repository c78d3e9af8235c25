"""The step `phone_porting`: who carries a number since it was ported."""

from __future__ import annotations

from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources.twilio_addons_records import PROVIDER

PHONE_PORTING = StepDefinition(
    name="phone_porting",
    title="Ported numbers",
    subject_kind="phone",
    offers=(Offer(PROVIDER, "icehook_scout"),),
)
