"""The addresses found for a batch's people: what every answer promises. No address leaves."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, anything, between, flag, one_of

if TYPE_CHECKING:
    import pandera.pandas as pa

SOURCES = ("found", "inferred", "guess")
NUMBERS = ("confidence",)
COLUMNS = ("source", "form", "accept_all", *NUMBERS)


@cache
def email_candidates_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.email_candidates`."""
    return answers_schema(
        "email_candidates",
        {
            "source": one_of("source", SOURCES),
            "form": anything(),
            "accept_all": flag(),
            "confidence": between("confidence", 0, 100),
        },
    )
