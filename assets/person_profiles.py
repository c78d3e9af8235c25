"""Profiles of people: who somebody is at work.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.person_profiles import COLUMNS, NUMBERS, person_profiles_schema
from bulk_lookup_dagster.services.steps.person_profiles import PERSON_PROFILES

person_profiles = step_asset(
    PERSON_PROFILES,
    "One vendor's answer to who somebody is at work: position, department, company.\n\n"
    "Source: Hunter, People Data Labs, Clearbit (legacy keys). Kept 180 days.",
)

ASSETS = (person_profiles,)
CHECKS = step_checks(PERSON_PROFILES, person_profiles_schema, COLUMNS, numbers=NUMBERS)
