"""`bulk-lookup matching`: from a run to a decision and back, through the real program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.matching.model import load_model
from bulk_lookup_dagster.matching.splink_settings import splink_settings
from tests.fakes.commands import Program, local_program
from tests.matching.conftest import add_contacts
from tests.services.test_review import ROWS

Connection = psycopg.Connection[Any]


@pytest.fixture
def program(postgres: Any, database: str, tmp_path: Path) -> Program:
    return local_program(postgres, database, tmp_path / "home", "http://127.0.0.1:9")


def test_run_review_accept_unmerge(conn: Connection, program: Program) -> None:
    ids = add_contacts(conn, ROWS)
    assert program("matching", "run")["golden_contacts_built"] == 3
    (pair,) = program("matching", "review")["pairs"]
    assert pair["a"]["name"] == "E. F."
    assert pair["reasons"][0]["comparison"] == "prior"
    one, two = str(ids[0]), str(ids[1])
    accepted = program("matching", "accept", one, two)
    assert list(accepted["golden_ids"].values()) == [ids[:2]]
    undone = program("matching", "unmerge", "--event", str(accepted["event_id"]), "--why", "no")
    assert sorted(undone["golden_ids"].values()) == [ids[:1], ids[1:2]]
    refused = program("matching", "unmerge", two, code=2)
    assert refused["error"]["code"] == "merge_refused"
    events = program("matching", "review", "--whole")["events"]
    assert [event["kind"] for event in events][:3] == ["refuse", "unmerge", "merge"]
    assert program("matching", "reject", one, two)["golden_ids"]
    assert program("matching", "calibrate")["bands"][0]["decided"] == 1
    assert program("matching", "unmerge", code=2)["error"]["code"] == "invalid_input"


def test_a_model_runs_in_shadow_before_it_is_put_in_force(
    conn: Connection, program: Program, tmp_path: Path
) -> None:
    add_contacts(conn, ROWS)
    program("matching", "run")
    tried = load_model().model_copy(update={"version": "tried-1"})
    file = tmp_path / "model.json"
    file.write_text(tried.model_dump_json())
    assert program("matching", "activate", "tried-1", code=2)["error"]["code"] == "invalid_input"
    report = program("matching", "shadow", str(file))
    assert (report["merges"], report["splits"]) == (0, 0)
    assert program("matching", "activate", "tried-1") == {"active": "tried-1"}
    out = tmp_path / "splink.json"
    exported = program("matching", "export-splink", "--out", str(out), "--records", "1000000")
    assert (exported["model_version"], exported["band"]) == ("tried-1", 20)
    assert json.loads(out.read_text()) == splink_settings(tried, 20)
    file.write_text("{}")
    assert "no model" in program("matching", "shadow", str(file), code=2)["error"]["message"]
