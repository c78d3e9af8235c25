"""A batch of look-ups as a whole: how many are unknown, invalid, or of no known line type.

Belongs here: the suite. Does not: reading the frame (`services.lookup_frames`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MIN_VALID_SHARE = 0.5
MIN_TYPED_SHARE = 0.5


def check_phone_lookups(rows: pd.DataFrame, *, max_unknown_share: float) -> dict[str, Any]:
    """Failed expectations by name with what was observed; `rows` has one row per question.

    An empty batch has nothing to fail. Great Expectations is imported here: it takes seconds.
    """
    if rows.empty:
        return {"failed": {}, "expectations": 0}
    import great_expectations as gx

    gxe: Any = gx.expectations
    suite = gx.ExpectationSuite(name="phone_lookups")
    expectations = (
        gxe.ExpectColumnValuesToNotBeNull(column="operation"),
        gxe.ExpectColumnValuesToNotBeInSet(
            column="state", value_set=["unknown_outcome"], mostly=1 - max_unknown_share
        ),
        gxe.ExpectColumnValuesToNotBeInSet(
            column="outcome", value_set=["invalid_subject"], mostly=MIN_VALID_SHARE
        ),
    )
    for expectation in expectations:
        suite.add_expectation(expectation)
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_pandas("batch")
    batch = source.add_dataframe_asset("phone_lookups").add_batch_definition_whole_dataframe("all")
    result = batch.get_batch({"dataframe": rows}).validate(suite)
    failed = {
        f"{config.type} {config.kwargs.get('column', '')}": one["result"].get("unexpected_percent")
        for one in result.results
        if not one.success and (config := one.expectation_config) is not None
    }
    return {"failed": failed, "expectations": len(result.results)}
