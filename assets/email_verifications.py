"""Verifications of addresses: whether they take mail.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.email_verifications import (
    COLUMNS,
    NUMBERS,
    email_verifications_schema,
)
from bulk_lookup_dagster.services.steps.email_verifications import EMAIL_VERIFICATIONS

email_verifications = step_asset(
    EMAIL_VERIFICATIONS,
    "One vendor's verdict on an address, given or found.\n\n"
    "Source: ZeroBounce by the hundred, Hunter where it could not tell. Kept 180 days.",
)

ASSETS = (email_verifications,)
CHECKS = step_checks(EMAIL_VERIFICATIONS, email_verifications_schema, COLUMNS, numbers=NUMBERS)
