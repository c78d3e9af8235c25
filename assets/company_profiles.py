"""Profiles of companies: what a company is, by its domain or by its name and postal code.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.company_profiles import COLUMNS, NUMBERS, company_profiles_schema
from bulk_lookup_dagster.services.steps.company_profiles import COMPANY_PROFILES

company_profiles = step_asset(
    COMPANY_PROFILES,
    "One vendor's answer to what a company is: name, industry, size, revenue, address, site.\n\n"
    "Source: Clearbit (legacy keys), Hunter, People Data Labs; last a caller name, labelled, and"
    " nothing else. Kept 180 days, a caller name 20.",
)

ASSETS = (company_profiles,)
CHECKS = step_checks(COMPANY_PROFILES, company_profiles_schema, COLUMNS, numbers=NUMBERS)
