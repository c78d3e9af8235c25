"""The second opinions of a batch: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, anything, flag, one_of
from bulk_lookup_dagster.schemas.phone_lookups import LINE_TYPES

if TYPE_CHECKING:
    import pandera.pandas as pa

COLUMNS = ("valid", "line_type", "country_code")


@cache
def phone_validations_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.phone_validations`."""
    return answers_schema(
        "phone_validations",
        {
            "valid": flag(),
            "line_type": one_of("line_type", LINE_TYPES),
            "country_code": anything(),
        },
    )
