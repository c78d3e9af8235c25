"""The validated addresses of a batch: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, anything, between, one_of

if TYPE_CHECKING:
    import pandera.pandas as pa

DELIVERABILITIES = (
    *("deliverable", "unit_not_confirmed", "unit_missing", "undeliverable", "unknown"),
)
KINDS = ("residential", "commercial", "po_box")
COLUMNS = ("deliverability", "kind", "granularity", "confidence")
NUMBERS = ("confidence",)


@cache
def addresses_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.addresses`."""
    return answers_schema(
        "addresses",
        {
            "deliverability": one_of("deliverability", DELIVERABILITIES),
            "kind": one_of("kind", KINDS),
            "granularity": anything(),
            "confidence": between("confidence", 0, 100),
        },
    )
