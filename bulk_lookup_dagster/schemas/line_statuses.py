"""The line statuses of a batch: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, between, flag, one_of

if TYPE_CHECKING:
    import pandera.pandas as pa

LINE_STATUSES = (
    *("connected", "disconnected", "unreachable", "busy"),
    *("pending", "restricted", "invalid", "unknown"),
)
COLUMNS = ("line_status", "activity_score", "is_cell")
NUMBERS = ("activity_score",)


@cache
def line_statuses_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.line_statuses`."""
    return answers_schema(
        "line_statuses",
        {
            "line_status": one_of("line_status", LINE_STATUSES),
            "activity_score": between("activity_score", 0, 100),
            "is_cell": flag(),
        },
    )
