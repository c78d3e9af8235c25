"""Schema `enrichment`: one table per step, keyed by what was asked, each value with its origin.

One module per step; a step's module declares its table and, in `VIEWS`, its winner.
"""

from bulk_lookup_dagster.storage.tables.enrichment import (
    addresses,
    broadband_coverage,
    business_ids,
    choices,
    company_profiles,
    deactivations,
    email_candidates,
    email_verifications,
    fcc,
    geocodes,
    line_statuses,
    person_profiles,
    phone_lookups,
    phone_porting,
    phone_validations,
    reverse_geocodes,
    reverse_phones,
    trust_hub_profiles,
    zipcode_businesses,
)
from bulk_lookup_dagster.storage.tables.enrichment.columns import OUTCOMES, result_columns

STEPS = (
    phone_lookups,
    phone_validations,
    line_statuses,
    phone_porting,
    reverse_phones,
    company_profiles,
    person_profiles,
    email_candidates,
    email_verifications,
    addresses,
    geocodes,
    broadband_coverage,
    deactivations,
    trust_hub_profiles,
    zipcode_businesses,
    reverse_geocodes,
    business_ids,
)
"""Modules of the steps' tables, in the order of the graph."""

TABLES: tuple[str, ...] = tuple(step.__name__.rpartition(".")[2] for step in STEPS)
"""Names of the steps' tables."""

VIEWS: dict[str, str] = {
    name: query for module in (*STEPS, fcc) for name, query in module.VIEWS.items()
}

KEPT: dict[str, tuple[str, ...]] = {
    f"enrichment.{step.__name__.rpartition('.')[2]}": getattr(step, "KEPT", ()) for step in STEPS
}
"""Columns of each step's table that outlive `expires_at`."""

__all__ = ["KEPT", "OUTCOMES", "STEPS", "TABLES", "VIEWS", "choices", "fcc", "result_columns"]
