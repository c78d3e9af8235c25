"""The plan page: the estimate it shows, and approving by form."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from bulk_lookup_dagster.storage.database import connect
from tests.fakes.story import platform_of, tell
from tests.web.conftest import Open

ESTIMATE = """{"p10_micros": 120000, "p50_micros": 130000, "p90_micros": 140000,
  "max_micros": 150000, "duplicates": 2, "duration_s": 12, "slowest_limit": "twilio_lookup: 5/s",
  "steps": [{"step": "phone_lookups", "title": "Phone number look-ups", "due": 10,
             "left_out": [{"provider": "whitepages", "operation": "person", "questions": 9,
                           "because": "no price: set it"}]},
            {"step": "reverse_phones", "title": "Owners of numbers", "skipped": 7,
             "skipped_because": "trestle: no credentials: set TRESTLE_API_KEY"},
            {"step": "broadband_coverage", "title": "Home internet", "due": 21, "skipped": 4,
             "skipped_because": "address confidence below 70"}],
  "lines": [{"operation": "caller_name", "due": 10, "cached": 3, "price_micros": 10000,
             "p10_micros": 1, "p50_micros": 2, "p90_micros": 3, "max_micros": 100000}]}"""


@pytest.fixture
def client(dsn: str, tmp_path: Path, open_web: Open) -> httpx.Client:
    with connect(dsn) as conn:
        tell(conn, ESTIMATE)
    return open_web(platform_of(dsn, tmp_path))


def approve(client: httpx.Client, plan_id: int, **fields: str) -> httpx.Response:
    found = re.search(r'name="csrf" value="(\w+)"', client.get("/uploads").text)
    assert found
    return client.post(f"/plans/{plan_id}/approve", data={"csrf": found[1], **fields})


def stored(conn: psycopg.Connection[Any], plan_id: int) -> Any:
    return conn.execute(
        "SELECT state, cap_micros, approved_by FROM ledger.plans WHERE plan_id = %s", (plan_id,)
    ).fetchone()


def test_the_estimate_is_shown(client: httpx.Client) -> None:
    page = client.get("/plans/2").text
    for text in ("$0.13", "$0.12", "$0.14", "$0.15", "caller name", "2 repeated rows", "12 s"):
        assert text in page
    assert "whitepages is not asked about up to 9: no price: set it" in page
    assert "7 skipped: trestle: no credentials: set TRESTLE_API_KEY" in page
    assert '<td class="num">21</td>' in page
    assert "4 more skipped: address confidence below 70" in page
    assert "Approve this plan" in page
    assert "Approve this plan" not in client.get("/plans/1").text


@pytest.mark.parametrize(
    "fields, cap", [({}, 150_000), ({"cap_usd": "0.05"}, 50_000), ({"cap_usd": " 1 "}, 1_000_000)]
)
def test_approving_sets_state_cap_and_who(
    client: httpx.Client, conn: psycopg.Connection[Any], fields: dict[str, str], cap: int
) -> None:
    answer = approve(client, 2, **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/plans/2")
    assert stored(conn, 2) == ("approved", cap, "web 127.0.0.1")
    assert "approved" in client.get("/plans/2").text


@pytest.mark.parametrize("cap", ["-1", "abc", "NaN", "1e400", "<b>"])
def test_a_cap_that_is_no_money_is_refused(
    client: httpx.Client, conn: psycopg.Connection[Any], cap: str
) -> None:
    answer = approve(client, 2, cap_usd=cap)
    assert answer.status_code == 400
    assert "<b>" not in answer.text
    assert stored(conn, 2)[0] == "waiting_approval"


def test_without_csrf_nothing_is_approved(
    client: httpx.Client, conn: psycopg.Connection[Any]
) -> None:
    client.get("/plans/2")
    assert client.post("/plans/2/approve", data={"cap_usd": "1"}).status_code == 403
    assert stored(conn, 2)[0] == "waiting_approval"


def test_what_cannot_be_approved_says_so(
    client: httpx.Client, conn: psycopg.Connection[Any]
) -> None:
    assert approve(client, 999).status_code == 404
    conn.execute("UPDATE ledger.plans SET state = 'cancelled' WHERE plan_id = 2")
    answer = approve(client, 2)
    assert answer.status_code == 400
    assert "cancelled" in answer.text
