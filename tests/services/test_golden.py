"""Settings of matching: thresholds apply from the next run and undo nothing that was decided."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.services import golden
from bulk_lookup_dagster.services.golden import (
    build_contacts,
    read_figures,
    run_matching,
    score_contacts,
)
from bulk_lookup_dagster.services.merges import unmerge
from bulk_lookup_dagster.services.settings import change_settings
from tests.matching.conftest import add_contacts, answer

Connection = psycopg.Connection[Any]
ADA = {"name": "Ada Larkwell", "email": "ada.larkwell@gmail.com", "phone": "+14155550111"}
BEN = {"name": "Ben Torrance", "email": "ben@torrance.example.com", "phone": "+14155550122"}
CY = {"name": "Cy Quarterman", "email": "cy@quarterman.example.com", "phone": "+14155550133"}


def twice(conn: Connection, *people: dict[str, str]) -> list[int]:
    return add_contacts(conn, [{**one, "city": city} for one in people for city in ("A", "B")])


def sizes(conn: Connection) -> list[int]:
    query = "SELECT count(*) FROM matching.current_members GROUP BY golden_id ORDER BY 1"
    return [size for (size,) in conn.execute(query)]


def test_switched_off_new_pairs_wait_and_old_merges_stay(conn: Connection) -> None:
    twice(conn, ADA)
    run_matching(conn)
    change_settings(conn, "matching.automatic", "false", "test")
    twice(conn, BEN)
    for _ in range(2):
        run_matching(conn)
        assert sizes(conn) == [1, 1, 2]
    waiting = conn.execute("SELECT count(*) FROM matching.pairs WHERE verdict = 'review'")
    assert waiting.fetchall() == [(1,)]
    twice(conn, CY)
    run_matching(conn)
    assert sizes(conn) == [1, 1, 1, 1, 2]
    change_settings(conn, "matching.automatic", "true", "test")
    run_matching(conn)
    assert sizes(conn) == [2, 2, 2]
    versions = conn.execute("SELECT model_version, state FROM matching.model_versions ORDER BY 1")
    assert versions.fetchall() == [("contacts-1", "active"), ("contacts-1+3/-2/off", "retired")]


def test_a_stricter_threshold_parts_nobody_and_a_decision_outlives_it(conn: Connection) -> None:
    _, two, *_ = twice(conn, ADA, BEN)
    run_matching(conn)
    unmerge(conn, two, actor="me")
    change_settings(conn, "matching.auto_bits", "90", "test")
    twice(conn, CY)
    run_matching(conn)
    assert sizes(conn) == [1, 1, 1, 1, 2]
    change_settings(conn, "matching.auto_bits", "null", "test")
    run_matching(conn)
    assert sizes(conn) == [1, 1, 2, 2]


def test_f39_figures_of_nothing(conn: Connection) -> None:
    assert read_figures(conn).merged_share == 0.0
    run_matching(conn)
    assert (build_contacts(conn), score_contacts(conn)) == (0, 0)
    assert read_figures(conn).largest_cluster == 0


def test_figures_of_the_last_run_and_the_one_before(conn: Connection) -> None:
    twice(conn, ADA)
    run_matching(conn)
    add_contacts(conn, [BEN, CY])
    run_matching(conn)
    figures = read_figures(conn)
    assert (figures.largest_cluster, figures.contacts, figures.golden_contacts) == (2, 4, 3)
    assert (figures.merged_share, figures.before) == (0.5, 1.0)


def test_newer_answers_of_a_batch_are_built_in(conn: Connection) -> None:
    twice(conn, ADA)
    run_matching(conn)
    assert build_contacts(conn, 1) == 1
    assert build_contacts(conn, 1) == 0
    answer(conn, ADA["phone"], valid=True)
    assert build_contacts(conn, 1) == 1


def test_f11_a_run_that_fails_changes_nothing_and_says_so(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice(conn, ADA)
    monkeypatch.setattr(golden, "_COUNT", "SELECT 1 / 0")
    with pytest.raises(StorageError, match="nothing was changed"):
        run_matching(conn)
    assert sizes(conn) == []
    events = conn.execute("SELECT kind, reason FROM matching.events").fetchall()
    assert events == [("fail", "matching run: DivisionByZero")]
    monkeypatch.undo()
    run_matching(conn)
    assert sizes(conn) == [2]
