"""docs/notebooks/first_look.ipynb as the analyst: its code cells run in order in a fresh Python.

No Jupyter kernel is among the dependencies, so the cells run as one plain program: what a cell
would display is not drawn by a notebook here; the chart is turned into its specification instead.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.services.marts import MartsBuild
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.embedded import EmbeddedServer

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebooks" / "first_look.ipynb"
_SHOW = """
import json
print(json.dumps({
    "cost": int(uploads["cost_micros"].sum()),
    "contacts": int(lines["contacts"].sum()),
    "answers": sum(each["answered_count"] for data in chart.to_dict()["datasets"].values()
                   for each in data),
}))
"""


def code_cells() -> list[dict[str, Any]]:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_outputs_are_stripped() -> None:
    assert code_cells()
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code_cells())


def test_its_cells_run_as_the_analyst(
    postgres: EmbeddedServer,
    marts_database: str,
    build: MartsBuild,
    marts: psycopg.Connection[Any],
) -> None:
    login = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres.port),
        "PGDATABASE": marts_database,
        "PGUSER": roles.ANALYST,
        "PGPASSWORD": postgres.password(roles.ANALYST),
    }
    program = "\n".join("".join(cell["source"]) for cell in code_cells()) + _SHOW
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **login},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    shown = json.loads(done.stdout)
    expected = marts.execute(
        "SELECT (SELECT sum(cost_micros)::int FROM ledger.claims),"
        " (SELECT count(*)::int FROM intake.contacts WHERE first_batch_id = 1),"
        " (SELECT count(*)::int FROM ledger.claims WHERE state = 'answered')"
    ).fetchone()
    assert (shown["cost"], shown["contacts"], shown["answers"]) == expected
