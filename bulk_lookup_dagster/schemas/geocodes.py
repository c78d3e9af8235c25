"""The geocodes of a batch: what every answer promises to later stages.

Belongs here: the rules of `enrichment.geocodes` in words. Does not: reading the frame.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandera.pandas as pa

ACCURACIES = ("rooftop", "interpolated", "center", "approximate")
COLUMNS = (
    "subject_id",
    "provider",
    "operation",
    "outcome",
    "latitude",
    "longitude",
    "accuracy",
    "partial_match",
    "census_block",
    "confidence",
    "fetched_at",
    "expires_at",
)


@cache
def geocodes_schema() -> pa.DataFrameSchema:
    """The schema; validate with `lazy=True` to hear of every broken rule at once."""
    import pandera.pandas as pa

    def within(name: str, low: float, high: float) -> pa.Column:
        check = pa.Check.in_range(low, high, error=f"{name} is not {low:g} to {high:g}")
        return pa.Column("float64", check, nullable=True)

    def one_of(name: str, values: tuple[str, ...], *, nullable: bool = False) -> pa.Column:
        check = pa.Check.isin(values, error=f"{name} is not one we know")
        return pa.Column("object", check, nullable=nullable)

    block = pa.Check.str_matches("^[0-9]{15}$", error="census_block is not 15 digits")
    return pa.DataFrameSchema(
        {
            "subject_id": pa.Column("int64"),
            "provider": pa.Column("object"),
            "operation": pa.Column("object"),
            "outcome": one_of("outcome", ("data", "no_data", "invalid_subject")),
            "latitude": within("latitude", -90, 90),
            "longitude": within("longitude", -180, 180),
            "accuracy": one_of("accuracy", ACCURACIES, nullable=True),
            "partial_match": pa.Column("object", nullable=True),
            "census_block": pa.Column("object", block, nullable=True),
            "confidence": within("confidence", 0, 100),
            "fetched_at": pa.Column("object"),
            "expires_at": pa.Column("object", nullable=True),
        },
        unique=["subject_id", "provider", "operation"],
        strict=True,
        name="geocodes",
    )
