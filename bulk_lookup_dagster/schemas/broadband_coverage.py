"""The coverage answers of a batch: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, flag, one_of

if TYPE_CHECKING:
    import pandera.pandas as pa

COLUMNS = ("lte_home", "five_g_home", "basis")
NUMBERS = ()


@cache
def broadband_coverage_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.broadband_coverage`."""
    return answers_schema(
        "broadband_coverage",
        {
            "lte_home": flag(),
            "five_g_home": flag(),
            "basis": one_of("basis", ("qualified_at_address",)),
        },
    )
