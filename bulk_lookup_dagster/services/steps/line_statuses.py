"""The step `line_statuses`: whether every valid number is in service, asked of one after another.

Belongs here: who is asked, in the default order. Does not: what an answer means (`resources`).
"""

from __future__ import annotations

from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources import trestle_records, twilio_addons_records, twilio_lookup_records

LINE_STATUSES = StepDefinition(
    name="line_statuses",
    title="Line statuses",
    subject_kind="phone",
    offers=(
        Offer(twilio_addons_records.PROVIDER, "real_phone_validation"),
        Offer(twilio_lookup_records.PROVIDER, "line_status"),
        Offer(trestle_records.PROVIDER, "phone_intel"),
    ),
)
