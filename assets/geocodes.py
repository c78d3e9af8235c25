"""Geocodes: points and census blocks of addresses.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.geocodes import COLUMNS, NUMBERS, geocodes_schema
from bulk_lookup_dagster.services.steps.geocodes import GEOCODES

geocodes = step_asset(
    GEOCODES,
    "Where an address is: its point, how exact, and its census block.\n\nSource: the US Census"
    " Bureau's batch geocoder, free and kept; then Google at list price for what it could not"
    " match, whose points go after 29 days and whose place ids stay.",
)

ASSETS = (geocodes,)
CHECKS = step_checks(GEOCODES, geocodes_schema, COLUMNS, numbers=NUMBERS)
