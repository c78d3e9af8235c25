"""Geocodes: the point and the census block of every address.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.geocodes import COLUMNS, NUMBERS, geocodes_schema
from bulk_lookup_dagster.services.steps.geocodes import GEOCODES

geocodes = step_asset(
    GEOCODES,
    "One vendor's point of a postal address.\n\nSource: the US Census Bureau, free, then Google"
    " Geocoding at its list price for what it could not match. Google's points are kept 29 days.",
)

ASSETS = (geocodes,)
CHECKS = step_checks(GEOCODES, geocodes_schema, COLUMNS, numbers=NUMBERS)
