"""The geocodes of a batch: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, anything, between, flag, one_of

if TYPE_CHECKING:
    import pandera.pandas as pa

ACCURACIES = ("rooftop", "interpolated", "center", "approximate")
COLUMNS = (
    *("latitude", "longitude", "accuracy", "partial_match"),
    *("census_block", "place_id", "confidence"),
)
NUMBERS = ("latitude", "longitude", "confidence")


@cache
def geocodes_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.geocodes`."""
    return answers_schema(
        "geocodes",
        {
            "latitude": between("latitude", -90, 90),
            "longitude": between("longitude", -180, 180),
            "accuracy": one_of("accuracy", ACCURACIES),
            "partial_match": flag(),
            "census_block": anything(),
            "place_id": anything(),
            "confidence": between("confidence", 0, 100),
        },
    )
