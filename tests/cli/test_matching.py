"""`bulk-lookup matching`: from a run to a decision and back, through the real program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

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
