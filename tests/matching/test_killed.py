"""A run killed half-way leaves nothing, and does not stand in the next one's way."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import psycopg

from bulk_lookup_dagster.matching.full import run_full
from tests.matching.conftest import Contacts

Connection = psycopg.Connection[Any]
ADA = {"name": "Ada Larkwell", "email": "ada.larkwell@gmail.com", "phone": "+14155550111"}
BEN = {"name": "Ben Torrance", "email": "ben@torrance.example.com", "phone": "+14155550122"}
_WRITTEN = (
    "SELECT (SELECT count(*) FROM matching.runs), (SELECT count(*) FROM matching.records),"
    " (SELECT count(*) FROM matching.keys), (SELECT count(*) FROM matching.pairs),"
    " (SELECT count(*) FROM matching.bands), (SELECT count(*) FROM matching.memberships),"
    " (SELECT count(*) FROM matching.events)"
)


def test_f11_a_killed_run_leaves_nothing(conn: Connection, add: Contacts, dsn: str) -> None:
    add(ADA, {**ADA, "name": "Larkwell, Ada"}, BEN)
    command = [sys.executable, "-m", "tests.matching.killed_run", dsn]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.kill()
    assert conn.execute(_WRITTEN).fetchall() == [(0,) * 7]
    run_full(conn)
    made = conn.execute("SELECT count(DISTINCT golden_id) FROM matching.current_members").fetchall()
    assert made == [(2,)]
