"""The step `geocodes`: the point and the census block of every address.

The US Census Bureau is free and asked first, about addresses in the United States; Google about
what it could not match and about the rest of the world.
"""

from __future__ import annotations

from bulk_lookup_dagster.services.derivations import ADDRESS
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources.census_records import PROVIDER as CENSUS
from resources.google_geocoding_records import PROVIDER as GOOGLE

# The last part of an address subject is its country; '' where neither it nor the rest tells.
IN_THE_US = "split_part(s.value, '|', 6) IN ('', 'us')"
_IN_THE_US = (
    "SELECT subject_id, '{}'::jsonb AS params FROM subject"
    f" JOIN intake.subjects s USING (subject_id) WHERE {IN_THE_US}"  # nosec: a constant
)

GEOCODES = StepDefinition(
    name="geocodes",
    title="Points and census blocks of addresses",
    subject_kind="address",
    offers=(Offer(CENSUS, "geocode", params_sql=_IN_THE_US), Offer(GOOGLE, "geocode")),
    derivation=ADDRESS,
    confidence_column="confidence",
    expected_share=0.6,
)
