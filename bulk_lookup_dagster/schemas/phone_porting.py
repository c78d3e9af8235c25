"""The porting answers of a batch: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, anything, flag

if TYPE_CHECKING:
    import pandera.pandas as pa

COLUMNS = (
    *("ported", "location_routing_number"),
    *("operating_company_name", "operating_company_type", "risk_level"),
)
NUMBERS = ()


@cache
def phone_porting_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.phone_porting`."""
    return answers_schema(
        "phone_porting",
        {name: flag() if name == "ported" else anything() for name in COLUMNS},
    )
