"""The step `business_ids`: whether the ids that discovery keeps still name their businesses.

A subject is an id of Google's; Yelp sets no term for its own. Which ids are old enough is
`services.business_ids`'s to say.
"""

from __future__ import annotations

from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources.google_places_records import PROVIDER

BUSINESS_IDS = StepDefinition(
    name="business_ids",
    title="Ids of businesses",
    subject_kind="business",
    offers=(Offer(PROVIDER, "place_id"),),
    partition="none",
)
