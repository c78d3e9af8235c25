"""The profiles of people of a batch: what every answer promises to later stages. No names leave."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, anything, between

if TYPE_CHECKING:
    import pandera.pandas as pa

NUMBERS = ("likelihood",)
COLUMNS = ("department", "seniority", *NUMBERS)


@cache
def person_profiles_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.person_profiles`."""
    return answers_schema(
        "person_profiles",
        {
            "department": anything(),
            "seniority": anything(),
            "likelihood": between("likelihood", 0, 100),
        },
    )
