"""Ids of businesses asked for again: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, anything

if TYPE_CHECKING:
    import pandera.pandas as pa

COLUMNS = ("current_id",)


@cache
def business_ids_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.business_ids`."""
    return answers_schema("business_ids", {"current_id": anything()})
