"""Addresses: whether mail reaches every address, and what stands there.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.addresses import COLUMNS, NUMBERS, addresses_schema
from bulk_lookup_dagster.services.steps.addresses import ADDRESSES

addresses = step_asset(
    ADDRESSES,
    "One vendor's answer about a postal address.\n\nSource: Google Address Validation at its list"
    " price; the one address of a contact is the view contact_addresses. Kept 29 days.",
)

ASSETS = (addresses,)
CHECKS = step_checks(ADDRESSES, addresses_schema, COLUMNS, numbers=NUMBERS)
