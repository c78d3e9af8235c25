"""A model on trial says what it would change, changes nothing, and may then be put in force."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.matching import runs
from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.matching.model import Model, load_model
from bulk_lookup_dagster.matching.shadow import activate, run_shadow
from tests.matching.conftest import Contacts

Connection = psycopg.Connection[Any]
ADA = {"name": "Ada Larkwell", "email": "ada.larkwell@gmail.com", "phone": "+14155550111"}
ADA_AGAIN = {"name": "Larkwell, Ada", "email": "ada.larkwell@gmail.com", "phone": "+14155550111"}
BEN = {"name": "Ben Torrance", "email": "ben@torrance.example.com", "phone": "+14155550122"}
STATE = "SELECT * FROM matching.memberships ORDER BY 1"


def strict() -> Model:
    """A model that merges nothing."""
    model = load_model()
    thresholds = model.thresholds.model_copy(update={"auto": 900.0})
    return model.model_copy(update={"version": "strict-1", "thresholds": thresholds})


def test_it_reports_splits_and_changes_nothing(conn: Connection, add: Contacts) -> None:
    one, *_ = add(ADA, ADA_AGAIN, BEN)
    run_full(conn)
    before = conn.execute(STATE).fetchall()
    (merged,) = conn.execute(
        "SELECT golden_id FROM matching.current_members WHERE contact_id = %s", [one]
    ).fetchall()
    report = run_shadow(conn, strict())
    assert (report.merges, report.splits, report.unchanged) == (0, 1, 1)
    assert report.would_split == merged
    assert conn.execute(STATE).fetchall() == before
    assert runs.active_model(conn) == load_model()


def test_it_reports_merges(conn: Connection, add: Contacts) -> None:
    add(ADA, ADA_AGAIN, BEN)
    run_shadow(conn, strict())
    runs.active_model(conn)
    activate(conn, "strict-1")
    run_full(conn)
    ids = conn.execute("SELECT golden_id FROM matching.current_members ORDER BY 1").fetchall()
    assert len(ids) == 3
    report = run_shadow(conn, load_model())
    assert (report.merges, report.splits, report.unchanged) == (1, 0, 1)
    assert report.would_merge == ((ids[0][0], ids[1][0]),)


def test_only_what_ran_in_shadow_is_put_in_force(conn: Connection, add: Contacts) -> None:
    add(ADA, ADA_AGAIN)
    run_full(conn)
    with pytest.raises(InputError, match="not run in shadow"):
        activate(conn, "strict-1")
    run_shadow(conn, strict())
    activate(conn, "strict-1")
    assert runs.active_model(conn).version == "strict-1"
    activate(conn, load_model().version)
    assert runs.active_model(conn) == load_model()


def test_a_version_has_one_meaning(conn: Connection, add: Contacts) -> None:
    add(ADA)
    run_shadow(conn, strict())
    other = strict().model_copy(update={"largest_cluster": 3})
    with pytest.raises(InputError, match="with other weights"):
        run_shadow(conn, other)
