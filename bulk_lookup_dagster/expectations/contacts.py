"""A batch of contacts as a whole: not empty, mostly of known number types, no number dominating.

Belongs here: the suite. Does not: rules of single rows (`schemas.contacts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MIN_DISTINCT_SHARE = 0.2


def check_contacts(rows: pd.DataFrame) -> dict[str, Any]:
    """Failed expectations by name with what was observed; an empty batch has nothing to fail.

    Great Expectations is imported here: it takes seconds.
    """
    if rows.empty:
        return {"failed": {}, "expectations": 0}
    from bulk_lookup_dagster.expectations.suites import validate

    def expectations(gxe: Any) -> list[Any]:
        return [
            gxe.ExpectColumnValuesToNotBeNull(column="phone_subject_id"),
            gxe.ExpectColumnProportionOfUniqueValuesToBeBetween(
                column="phone_subject_id", min_value=MIN_DISTINCT_SHARE
            ),
            gxe.ExpectColumnValuesToBeUnique(column="row_number"),
        ]

    return validate("contacts", rows, expectations)
