"""Addresses: whether mail is delivered there and people live there.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.addresses import COLUMNS, NUMBERS, addresses_schema
from bulk_lookup_dagster.services.steps.addresses import ADDRESSES

addresses = step_asset(
    ADDRESSES,
    "One verdict on an address: deliverable, residential or commercial, and how sure.\n\nAddresses"
    " come from the file and from owners of numbers. Source: Google Address Validation, at list"
    " price; no address text of Google's is kept, verdicts 29 days.",
)

ASSETS = (addresses,)
CHECKS = step_checks(ADDRESSES, addresses_schema, COLUMNS, numbers=NUMBERS)
