"""What the last build on this machine made of each model and test, as dbt wrote it down.

Belongs here: dbt's `run_results.json` as records. Does not: whether the last build anywhere came
through (`ops.mart_builds`, read by `web.builds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from bulk_lookup_dagster.services.marts import results_folder

_FILE = "run_results.json"


@dataclass(frozen=True)
class Result:
    """One model built, or one test run."""

    status: str
    finished_at: datetime | None
    seconds: float
    sql: str

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.status in ("success", "pass")


def read_results(home: Path) -> Mapping[str, Result]:
    """By id of model or test; empty when no build ran here, or one is writing its results now."""
    try:
        document = orjson.loads((results_folder(home) / _FILE).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return {
        one["unique_id"]: Result(
            status=str(one["status"]),
            finished_at=_finished(one["timing"]),
            seconds=float(one["execution_time"]),
            sql=(one.get("compiled_code") or "").strip(),
        )
        for one in document["results"]
    }


def _finished(timing: list[dict[str, str]]) -> datetime | None:
    ends = [part["completed_at"] for part in timing if part.get("completed_at")]
    return datetime.fromisoformat(max(ends)) if ends else None
