"""The review page: pairs with reasons, decisions by form, unmerging beside each merge."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from bulk_lookup_dagster.matching.explanation import Reason
from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.services.golden import build_contacts
from bulk_lookup_dagster.web.waterfall import draw
from tests.fakes.story import platform_of
from tests.matching.conftest import add_contacts
from tests.services.test_review import ROWS
from tests.web.conftest import Open

Connection = psycopg.Connection[Any]


@pytest.fixture
def ids(conn: Connection) -> list[int]:
    found = add_contacts(conn, ROWS)
    run_full(conn)
    build_contacts(conn)
    return found


@pytest.fixture
def client(dsn: str, tmp_path: Path, open_web: Open) -> httpx.Client:
    return open_web(platform_of(dsn, tmp_path))


def send(client: httpx.Client, action: str, **fields: object) -> httpx.Response:
    found = re.search(r'name="csrf" value="(\w+)"', client.get("/review").text)
    assert found
    data = {"csrf": found[1], **{name: str(value) for name, value in fields.items()}}
    return client.post(f"/review/{action}", data=data)


def groups(conn: Connection) -> list[list[int]]:
    query = "SELECT array_agg(contact_id) FROM matching.current_members GROUP BY golden_id"
    return sorted(sorted(row[0]) for row in conn.execute(query))


def test_pairs_stand_side_by_side_with_their_reasons(client: httpx.Client, ids: list[int]) -> None:
    page = client.get("/review").text
    for text in ("Eric Fairholm", "Erica Fairholm", "close names", "<svg", "prior: one of 2^"):
        assert text in page
    assert page.count("Not the same") == 1


def test_accepting_merges_and_unmerging_restores(
    client: httpx.Client, conn: Connection, ids: list[int]
) -> None:
    before = groups(conn)
    answer = send(client, "accept", a=ids[0], b=ids[1])
    assert (answer.status_code, answer.headers["location"]) == (303, "/review")
    assert groups(conn) == [ids[:2], ids[2:]]
    event = re.search(r'name="event" value="(\d+)"', client.get("/review").text)
    assert event
    assert send(client, "undo", event=event[1]).status_code == 303
    assert groups(conn) == before
    actors = conn.execute("SELECT DISTINCT actor FROM matching.events WHERE kind = 'unmerge'")
    assert actors.fetchall() == [("web 127.0.0.1",)]


def test_rejecting_takes_a_pair_off_the_page(client: httpx.Client, ids: list[int]) -> None:
    assert send(client, "reject", a=ids[0], b=ids[1]).status_code == 303
    assert "No pair waits for review" in client.get("/review").text


def test_a_contacts_page_shows_its_matches_and_takes_it_out(
    client: httpx.Client, conn: Connection, ids: list[int]
) -> None:
    page = client.get(f"/review/contacts/{ids[3]}").text
    assert "Larkwell, Ada" in page
    assert f'href="/review/contacts/{ids[2]}"' in page
    assert send(client, "unmerge", contact=ids[3]).status_code == 303
    assert [ids[3]] in groups(conn)
    assert "A golden contact of its own" in client.get(f"/review/contacts/{ids[3]}").text
    assert "Not matched yet" in client.get("/review/contacts/999").text


def test_without_csrf_nothing_is_decided(
    client: httpx.Client, conn: Connection, ids: list[int]
) -> None:
    client.get("/review")
    answer = client.post("/review/accept", data={"a": ids[0], "b": ids[1], "csrf": "0"})
    assert answer.status_code == 403
    assert conn.execute("SELECT count(*) FROM matching.overrides").fetchall() == [(0,)]


@pytest.mark.parametrize("value", ["", "x", "-1", "1e3", "9" * 30])
def test_what_is_no_contact_is_refused(client: httpx.Client, ids: list[int], value: str) -> None:
    assert send(client, "unmerge", contact=value).status_code == 400


def test_a_refused_decision_says_why_and_is_logged(
    client: httpx.Client, conn: Connection, ids: list[int]
) -> None:
    answer = send(client, "reject", a=ids[2], b=ids[3])
    assert answer.status_code == 400
    assert "are one golden contact" in answer.text
    last = conn.execute("SELECT kind FROM matching.events ORDER BY event_id DESC LIMIT 1")
    assert last.fetchall() == [("refuse",)]


def test_whoever_is_no_operator_sees_no_person_and_no_button(
    dsn: str, tmp_path: Path, open_web: Open, ids: list[int]
) -> None:
    client = open_web(platform_of(dsn, tmp_path))
    page = client.get("/review", headers={"X-Forwarded-For": "10.0.0.9"}).text
    assert "Eric" not in page
    assert "E. F." in page
    assert "The same</button>" not in page


def test_the_waterfall_ends_where_the_score_is() -> None:
    reasons = [Reason("prior", "x", -10.0), Reason("phone", "private", 16.0)]
    picture = draw(reasons, 6.0)
    prior, phone, total = picture.bars
    assert (prior.kind, phone.kind, total.kind) == ("against", "for", "total")
    assert prior.x + prior.width == pytest.approx(picture.zero, abs=0.2)
    assert total.x == picture.zero
    assert total.x + total.width == pytest.approx(phone.x + phone.width, abs=0.2)


def test_f39_a_picture_of_nothing() -> None:
    assert [bar.width for bar in draw([], 0.0).bars] == [1.0]
