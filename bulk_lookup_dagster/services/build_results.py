"""What the last builds on this machine made of each model and test, as dbt wrote it down.

Belongs here: dbt's `run_results.json`, written and as records. Does not: whether the last build
anywhere came through (`ops.mart_builds`, read by `web.builds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

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


def results_folder(home: Path) -> Path:
    """Where a build writes what it ran and what came of it."""
    return home / "dbt"


def record_results(folder: Path, outcome: Any, *, keep: bool) -> None:
    """Write what dbt returned; `keep` leaves what it did not run this time as it was."""
    path, fresh = folder / _FILE, folder / f"{_FILE}.new"
    outcome.write(str(fresh))
    document = orjson.loads(fresh.read_bytes())
    if keep:
        ran = {one["unique_id"] for one in document["results"]}
        before = _documented(path)["results"]
        document["results"] += [one for one in before if one["unique_id"] not in ran]
        fresh.write_bytes(orjson.dumps(document))
    fresh.replace(path)


def read_results(home: Path) -> Mapping[str, Result]:
    """By id of model or test; empty when no build ran here, or its results are damaged."""
    document = _documented(results_folder(home) / _FILE)
    return {
        one["unique_id"]: Result(
            status=str(one["status"]),
            finished_at=_finished(one["timing"]),
            seconds=float(one["execution_time"]),
            sql=(one.get("compiled_code") or "").strip(),
        )
        for one in document["results"]
    }


def _documented(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {"results": []}
    return document


def _finished(timing: list[dict[str, str]]) -> datetime | None:
    ends = [part["completed_at"] for part in timing if part.get("completed_at")]
    return datetime.fromisoformat(max(ends)) if ends else None
