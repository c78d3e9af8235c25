"""Schema `enrichment`: one table per step, keyed by what was asked, each value with its origin.

One module per step; a step's module declares its table and, in `VIEWS`, its winner.
"""

from bulk_lookup_dagster.storage.tables.enrichment import (
    choices,
    company_profiles,
    email_candidates,
    email_verifications,
    person_profiles,
    phone_lookups,
)
from bulk_lookup_dagster.storage.tables.enrichment.columns import OUTCOMES, result_columns

STEPS = (
    phone_lookups,
    company_profiles,
    person_profiles,
    email_candidates,
    email_verifications,
)
"""Modules of the steps' tables, in the order of the graph."""

VIEWS: dict[str, str] = {name: query for step in STEPS for name, query in step.VIEWS.items()}

__all__ = ["OUTCOMES", "STEPS", "VIEWS", "choices", "result_columns"]
