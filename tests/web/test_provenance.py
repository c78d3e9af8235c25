"""The page that says where a value came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.fakes.story import platform_of, tell
from tests.web.conftest import Open

Connection = psycopg.Connection[Any]


@pytest.fixture
def client(conn: Connection, dsn: str, tmp_path: Path, open_web: Open) -> httpx.Client:
    tell(conn)
    return open_web(platform_of(dsn, tmp_path))


def contact_with(conn: Connection, column: str) -> int:
    row = conn.execute(
        "SELECT c.contact_id FROM intake.contacts c JOIN enrichment.phone_lookups r"
        f"   ON r.subject_id = c.phone_subject_id AND r.{column} IS NOT NULL"
        " WHERE r.expires_at IS NULL OR r.expires_at > now() ORDER BY 1 LIMIT 1"
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_look_up_leads_to_where_its_value_came_from(
    client: httpx.Client, conn: Connection
) -> None:
    contact = contact_with(conn, "line_type")
    page = client.get(f"/contacts/{contact}/why?field=line_type")
    assert page.status_code == 200
    for words in ("twilio lookup", "the only answer with a value", 'class="won"'):
        assert words.lower() in page.text.lower()


def test_wrong_questions_are_answered_in_words(client: httpx.Client, conn: Connection) -> None:
    contact = contact_with(conn, "line_type")
    wrong = client.get(f"/contacts/{contact}/why?field=shoe_size")
    assert (wrong.status_code, "Nothing has a field" in wrong.text) == (400, True)
    assert client.get("/contacts/999999999/why").status_code == 400
