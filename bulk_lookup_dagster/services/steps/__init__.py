"""Every enrichment step, in the order of the graph; plans, runs, commands and assets read it.

A new step is one module here, one in `storage/tables/enrichment`, one block of settings and one
asset file. Belongs here: the registry. Does not: the steps themselves.
"""

from __future__ import annotations

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services.steps.addresses import ADDRESSES
from bulk_lookup_dagster.services.steps.broadband_coverage import BROADBAND_COVERAGE
from bulk_lookup_dagster.services.steps.business_ids import BUSINESS_IDS
from bulk_lookup_dagster.services.steps.company_profiles import COMPANY_PROFILES
from bulk_lookup_dagster.services.steps.deactivations import DEACTIVATIONS
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from bulk_lookup_dagster.services.steps.email_candidates import EMAIL_CANDIDATES
from bulk_lookup_dagster.services.steps.email_verifications import EMAIL_VERIFICATIONS
from bulk_lookup_dagster.services.steps.geocodes import GEOCODES
from bulk_lookup_dagster.services.steps.line_statuses import LINE_STATUSES
from bulk_lookup_dagster.services.steps.person_profiles import PERSON_PROFILES
from bulk_lookup_dagster.services.steps.phone_lookups import PHONE_LOOKUPS
from bulk_lookup_dagster.services.steps.phone_porting import PHONE_PORTING
from bulk_lookup_dagster.services.steps.phone_validations import PHONE_VALIDATIONS
from bulk_lookup_dagster.services.steps.reverse_geocodes import REVERSE_GEOCODES
from bulk_lookup_dagster.services.steps.reverse_phones import REVERSE_PHONES
from bulk_lookup_dagster.services.steps.trust_hub_profiles import TRUST_HUB_PROFILES
from bulk_lookup_dagster.services.steps.zipcode_businesses import ZIPCODE_BUSINESSES

STEPS: tuple[StepDefinition, ...] = (
    PHONE_LOOKUPS,
    PHONE_VALIDATIONS,
    LINE_STATUSES,
    PHONE_PORTING,
    REVERSE_PHONES,
    COMPANY_PROFILES,
    PERSON_PROFILES,
    EMAIL_CANDIDATES,
    EMAIL_VERIFICATIONS,
    ADDRESSES,
    GEOCODES,
    BROADBAND_COVERAGE,
    DEACTIVATIONS,
    TRUST_HUB_PROFILES,
    ZIPCODE_BUSINESSES,
    REVERSE_GEOCODES,
    BUSINESS_IDS,
)

BATCH_STEPS: tuple[str, ...] = tuple(step.name for step in STEPS if step.partition == "batch")
"""Names of the steps that a batch of an upload goes through."""


def step_named(name: str) -> StepDefinition:
    """A step of the registry."""
    for step in STEPS:
        if step.name == name:
            return step
    known = ", ".join(step.name for step in STEPS)
    raise InputError(f"There is no step {name!r}.", fix=f"Steps: {known}.")


__all__ = ["BATCH_STEPS", "STEPS", "Offer", "StepDefinition", "step_named"]
