"""The company profiles of a batch: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.core.bands import EMPLOYEES, REVENUE_USD
from bulk_lookup_dagster.schemas.answers import answers_schema, between, one_of

if TYPE_CHECKING:
    import pandera.pandas as pa

BASES = ("record", "caller_name")
NUMBERS = ("employees", "revenue_usd", "founded_year", "likelihood")
COLUMNS = ("basis", "employees_band", "revenue_band", *NUMBERS)


@cache
def company_profiles_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.company_profiles`."""
    return answers_schema(
        "company_profiles",
        {
            "basis": one_of("basis", BASES),
            "employees_band": one_of("employees_band", [band.label for band in EMPLOYEES]),
            "revenue_band": one_of("revenue_band", [band.label for band in REVENUE_USD]),
            "employees": between("employees", 0, 10_000_000),
            "revenue_usd": between("revenue_usd", 0, 10**13),
            "founded_year": between("founded_year", 1000, 2100),
            "likelihood": between("likelihood", 0, 100),
        },
    )
