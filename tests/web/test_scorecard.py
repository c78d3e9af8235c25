"""The dashboard's scorecard: its figures against the marts, states as of now, words for none."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bulk_lookup_dagster.engine import operator
from bulk_lookup_dagster.services.marts import build_marts
from bulk_lookup_dagster.storage.database import connect
from tests.fakes.story import platform_of, tell
from tests.web.conftest import Open
from tests.web.test_counters import section

_SCORE = "SELECT hit_rate, asked_count, p50_ms, p95_ms FROM marts.mart_provider_scorecard"


def cells(page: str, slug: str) -> list[list[str]]:
    """The texts of a section's rows."""
    found = re.findall(r"<tr>(.*?)</tr>", section(page, slug), re.DOTALL)
    plain = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in found]
    return [[html.unescape(re.sub("<[^>]*>", "", cell)).strip() for cell in row] for row in plain]


def test_the_scorecard_equals_the_mart(web: httpx.Client, marts: psycopg.Connection[Any]) -> None:
    hit_rate, asked, p50, p95 = marts.execute(_SCORE).fetchall()[0]
    (_, row) = cells(web.get("/").text, "scorecard")
    assert row[:4] == ["phone lookups", "twilio lookup", "alone", str(asked)]
    assert row[4] == f"{hit_rate * 100:.1f}\N{NO-BREAK SPACE}%"
    assert row[8:] == ["not compared", f"{p50:.0f} / {p95:.0f} ms", "transient 1"]


def test_allowances_warn_from_four_fifths(web: httpx.Client) -> None:
    rows = cells(web.get("/").text, "provider-health")
    (allowance,) = [row for row in rows if row[0] == "zerobounce"]
    assert allowance[1:4] == ["1,000 credits", "85.0\N{NO-BREAK SPACE}% used", "150"]


def test_what_keeps_a_provider_from_being_asked_shows_without_a_build(
    dsn: str, tmp_path: Path, open_web: Open
) -> None:
    platform = platform_of(dsn, tmp_path)
    with connect(dsn) as conn:
        tell(conn)
    build_marts(platform)
    client = open_web(platform)
    assert cells(client.get("/").text, "provider-health")[1][:3] == ["twilio lookup", "active", ""]
    with connect(dsn, autocommit=True) as conn:
        operator.pause_provider(conn, "twilio_lookup", actor="ann", reason="<b>invoice</b>")
        conn.execute("DELETE FROM ops.provider_quotas")
    page = client.get("/").text
    assert cells(page, "provider-health")[1][1] == "paused"
    assert "&lt;b&gt;invoice&lt;/b&gt;" in section(page, "provider-health")
    assert "bulk-lookup resume twilio_lookup" in section(page, "provider-health")
    assert "No vendor told its allowance yet" in section(page, "provider-health")


def test_tables_of_the_scorecard_have_names_and_row_headers(web: httpx.Client) -> None:
    page = web.get("/").text
    for slug in ("scorecard", "provider-health"):
        part = section(page, slug)
        assert part.count("<table aria-label=") == part.count("<table") > 0
        assert '<th scope="row">' in part
