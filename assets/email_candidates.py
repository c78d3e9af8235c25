"""Addresses of people at companies, where none was handed in.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.email_candidates import COLUMNS, NUMBERS, email_candidates_schema
from bulk_lookup_dagster.services.steps.email_candidates import EMAIL_CANDIDATES

email_candidates = step_asset(
    EMAIL_CANDIDATES,
    "One answer to which address a person at a company has: found, inferred or a guess.\n\n"
    "Source: Hunter, People Data Labs; last our own forms, labelled a guess and never verified."
    " Kept 180 days.",
)

ASSETS = (email_candidates,)
CHECKS = step_checks(EMAIL_CANDIDATES, email_candidates_schema, COLUMNS, numbers=NUMBERS)
