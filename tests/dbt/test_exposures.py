"""The exposures name exactly the marts that the dashboard and the analysts' document read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bulk_lookup_dagster.services.marts import ensure_manifest

ROOT = Path(__file__).resolve().parents[2]
READERS = {
    "dashboard": (
        ROOT / "bulk_lookup_dagster" / "web" / "dashboard.py",
        ROOT / "bulk_lookup_dagster" / "web" / "lookups.py",
        ROOT / "bulk_lookup_dagster" / "web" / "scorecard.py",
    ),
    "analyst_questions": (ROOT / "docs" / "analysts.md",),
}


@pytest.mark.parametrize("name", READERS)
def test_an_exposure_names_what_is_read(name: str) -> None:
    manifest = json.loads(ensure_manifest().read_text())
    exposure = manifest["exposures"][f"exposure.bulk_lookup.{name}"]
    named = {node.rpartition(".")[2] for node in exposure["depends_on"]["nodes"]}
    text = "".join(file.read_text() for file in READERS[name])
    assert named == set(re.findall(r"(?:FROM|JOIN) marts\.(\w+)", text))


def test_every_reader_is_an_exposure() -> None:
    manifest = json.loads(ensure_manifest().read_text())
    assert {node.rpartition(".")[2] for node in manifest["exposures"]} == set(READERS)
