"""Every enrichment step, in the order of the graph; plans, runs, commands and assets read it.

A new step is one module here, one in `storage/tables/enrichment`, one block of settings and one
asset file. Belongs here: the registry. Does not: the steps themselves.
"""

from __future__ import annotations

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services.steps.addresses import ADDRESSES
from bulk_lookup_dagster.services.steps.deactivations import DEACTIVATIONS
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from bulk_lookup_dagster.services.steps.geocodes import GEOCODES
from bulk_lookup_dagster.services.steps.phone_lookups import PHONE_LOOKUPS
from bulk_lookup_dagster.services.steps.phone_porting import PHONE_PORTING

STEPS: tuple[StepDefinition, ...] = (
    PHONE_LOOKUPS,
    ADDRESSES,
    GEOCODES,
    PHONE_PORTING,
    DEACTIVATIONS,
)


def step_named(name: str) -> StepDefinition:
    """A step of the registry."""
    for step in STEPS:
        if step.name == name:
            return step
    known = ", ".join(step.name for step in STEPS)
    raise InputError(f"There is no step {name!r}.", fix=f"Steps: {known}.")


__all__ = ["STEPS", "Offer", "StepDefinition", "step_named"]
