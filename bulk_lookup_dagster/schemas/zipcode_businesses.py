"""The pages a request for a ZIP code got: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import KEY, answers_schema, anything, between

if TYPE_CHECKING:
    import pandera.pandas as pa

COLUMNS = ("question", "page", "found", "skipped", "matched", "total")
NUMBERS = ("page", "found", "skipped", "matched", "total")
_LARGEST_PAGE = 50


@cache
def zipcode_businesses_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.zipcode_businesses`; a row is one page, `question` says which."""
    return answers_schema(
        "zipcode_businesses",
        {
            "question": anything(),
            "page": between("page", 1, 100),
            "found": between("found", 0, _LARGEST_PAGE),
            "skipped": between("skipped", 0, _LARGEST_PAGE),
            "matched": between("matched", 0, _LARGEST_PAGE),
            "total": between("total", 0, 1_000_000),
        },
        key=(*KEY, "question"),
    )
