"""Schema `enrichment`: one table per step, keyed by what was asked, each value with its origin.

One module per step; a step's module declares its table and, in `VIEWS`, its winner.
"""

from bulk_lookup_dagster.storage.tables.enrichment import (
    addresses,
    choices,
    deactivations,
    geocodes,
    phone_lookups,
    phone_porting,
)
from bulk_lookup_dagster.storage.tables.enrichment.columns import OUTCOMES, result_columns

STEPS = (phone_lookups, addresses, geocodes, phone_porting, deactivations)
"""Modules of the steps' tables, in the order of the graph."""

VIEWS: dict[str, str] = {name: query for step in STEPS for name, query in step.VIEWS.items()}

KEPT: dict[str, tuple[str, ...]] = {
    f"enrichment.{step.__name__.rpartition('.')[2]}": getattr(step, "KEPT", ()) for step in STEPS
}
"""Columns of each step's table that outlive `expires_at`."""

__all__ = ["KEPT", "OUTCOMES", "STEPS", "VIEWS", "choices", "result_columns"]
