"""The owners of a batch's numbers: what every answer promises to later stages. No names leave."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, flag, one_of
from bulk_lookup_dagster.schemas.phone_lookups import LINE_TYPES

if TYPE_CHECKING:
    import pandera.pandas as pa

OWNER_TYPES = ("person", "business")
COLUMNS = ("owner_type", "line_type", "is_prepaid", "is_commercial")


@cache
def reverse_phones_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.reverse_phones`."""
    return answers_schema(
        "reverse_phones",
        {
            "owner_type": one_of("owner_type", OWNER_TYPES),
            "line_type": one_of("line_type", LINE_TYPES),
            "is_prepaid": flag(),
            "is_commercial": flag(),
        },
    )
