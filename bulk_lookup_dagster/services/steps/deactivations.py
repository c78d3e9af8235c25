"""The step `deactivations`: numbers that carriers took out of service, a file per day."""

from __future__ import annotations

from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources.twilio_deactivations_records import PROVIDER

DEACTIVATIONS = StepDefinition(
    name="deactivations",
    title="Deactivated numbers",
    subject_kind="day",
    offers=(Offer(PROVIDER, "deactivations"),),
    partition="day",
)
