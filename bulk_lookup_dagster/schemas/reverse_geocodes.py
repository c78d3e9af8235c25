"""The addresses at points: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, anything, between, one_of
from bulk_lookup_dagster.schemas.geocodes import ACCURACIES

if TYPE_CHECKING:
    import pandera.pandas as pa

COLUMNS = ("latitude", "longitude", "accuracy", "place_id")
NUMBERS = ("latitude", "longitude")


@cache
def reverse_geocodes_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.reverse_geocodes`."""
    return answers_schema(
        "reverse_geocodes",
        {
            "latitude": between("latitude", -90, 90),
            "longitude": between("longitude", -180, 180),
            "accuracy": one_of("accuracy", ACCURACIES),
            "place_id": anything(),
        },
    )
