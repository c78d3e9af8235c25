"""A batch of one step's questions as a whole: unknown outcomes, refused subjects.

Belongs here: the suite every step has. Does not: reading the frame (`services.step_frames`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MIN_VALID_SHARE = 0.5


def check_questions(step: str, rows: pd.DataFrame, *, max_unknown_share: float) -> dict[str, Any]:
    """Failed expectations by name with what was observed; `rows` has one row per question.

    An empty batch has nothing to fail. Great Expectations is imported here: it takes seconds.
    """
    if rows.empty:
        return {"failed": {}, "expectations": 0}
    from bulk_lookup_dagster.expectations.suites import validate

    def expectations(gxe: Any) -> list[Any]:
        return [
            gxe.ExpectColumnValuesToNotBeNull(column="operation"),
            gxe.ExpectColumnValuesToNotBeInSet(
                column="state", value_set=["unknown_outcome"], mostly=1 - max_unknown_share
            ),
            gxe.ExpectColumnValuesToNotBeInSet(
                column="outcome", value_set=["invalid_subject"], mostly=MIN_VALID_SHARE
            ),
        ]

    return validate(step, rows, expectations)
