"""The step `reverse_geocodes`: which address is at a point.

No upload leads to points: people name them, `bulk-lookup reverse-geocode`. The US Census Bureau
tells the block of a point but no address, so Google is asked alone.
"""

from __future__ import annotations

from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources.google_geocoding_records import PROVIDER

REVERSE_GEOCODES = StepDefinition(
    name="reverse_geocodes",
    title="Addresses at points",
    subject_kind="point",
    offers=(Offer(PROVIDER, "reverse_geocode"),),
    partition="none",
)
