"""A batch's shares against those of earlier batches of its source.

Belongs here: the suite. Does not: counting (`services.history`), the bands (`core.drift`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bulk_lookup_dagster.core.drift import Figure


def check_history(name: str, figures: Sequence[Figure]) -> dict[str, Any]:
    """Failed expectations with the share observed; without history there is nothing to fail.

    Great Expectations is imported here, and only when there is something to judge.
    """
    judged = [figure for figure in figures if figure.judged]
    if not judged:
        return {"failed": {}, "expectations": 0}
    import pandas as pd

    from bulk_lookup_dagster.expectations.suites import validate

    def expectations(gxe: Any) -> list[Any]:
        return [
            gxe.ExpectColumnMaxToBeBetween(
                column=figure.name, min_value=figure.band[0], max_value=figure.band[1]
            )
            for figure in judged
        ]

    shares = pd.DataFrame([{figure.name: figure.share for figure in judged}])
    return validate(f"{name}_history", shares, expectations)
