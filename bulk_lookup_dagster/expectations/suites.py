"""Running a suite of expectations over one frame.

Belongs here: how Great Expectations is driven. Does not: what is expected (one file per stage).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import great_expectations as gx

if TYPE_CHECKING:
    import pandas as pd


def validate(
    name: str, rows: pd.DataFrame, expectations: Callable[[Any], list[Any]]
) -> dict[str, Any]:
    """`failed`: per failed expectation the share or value observed; `expectations`: how many."""
    from great_expectations.data_context.types import base

    logging.getLogger(base.__name__).setLevel(logging.WARNING)  # it lowers its own at import
    module: Any = gx.expectations
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = base.ProgressBarsConfig(globally=False)
    suite = gx.ExpectationSuite(name=name)
    for expectation in expectations(module):
        suite.add_expectation(expectation)
    asset = context.data_sources.add_pandas("batch").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    result = batch.validate(suite)
    failed = {}
    for one in result.results:
        config = one.expectation_config
        if not one.success and config is not None:
            observed = one["result"]
            figure = observed.get("unexpected_percent", observed.get("observed_value"))
            failed[f"{config.type} {config.kwargs.get('column', '')}"] = figure
    return {"failed": failed, "expectations": len(result.results)}
