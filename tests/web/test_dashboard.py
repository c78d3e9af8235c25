"""The dashboard: its figures against SQL, what it reads, what it sends to a browser."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from bulk_lookup_dagster.services.marts import build_marts
from bulk_lookup_dagster.web import charts
from tests.fakes.story import platform_of
from tests.web.conftest import Open


def kpi(page: str, slug: str) -> str:
    found = re.search(rf'id="kpi-{slug}">.*?class="value">(.*?)</p>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def table(page: str, slug: str) -> dict[str, str]:
    figure = re.search(rf'id="figure-{slug}">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert figure
    cells = re.findall(r'<td>(.*?)</td><td class="num">(.*?)</td>', figure[1])
    return {html.unescape(name): value for name, value in cells}


def test_figures_equal_sql(web: httpx.Client, marts: psycopg.Connection[Any]) -> None:
    page = web.get("/").text
    row = marts.execute(
        "SELECT count(*), count(*) FILTER (WHERE line_type IN ('fixedVoip', 'nonFixedVoip')),"
        " count(*) FILTER (WHERE status = 'complete') FROM marts.dim_contacts"
    ).fetchone()
    assert row is not None
    assert (kpi(page, "contacts"), table(page, "lines")["VoIP"]) == (str(row[0]), str(row[1]))
    assert table(page, "status")["Complete"] == str(row[2])
    spent = marts.execute("SELECT sum(cost_micros) FROM ledger.claims").fetchone()
    assert spent is not None
    assert kpi(page, "spent") == f"${spent[0] / 1_000_000:.2f}"
    reasons = marts.execute(
        "SELECT replace(reason, '_', ' '), count(*)::text FROM intake.rejects"
        " WHERE upload_id <> 2 GROUP BY 1"
    ).fetchall()
    assert table(page, "rejects") == dict(reasons)
    assert table(page, "risk") == {"Low": "1", "Medium": "1", "High": "1", "Unknown": "7"}


def test_freshness_stands_beside_every_figure(web: httpx.Client) -> None:
    page = web.get("/").text
    blocks = re.findall(
        r'<(?:li|figure|section) class="card.*?</(?:li|figure|section)>', page, re.S
    )
    assert len(blocks) >= 16
    assert all("as of <time datetime=" in block for block in blocks)


def test_it_reads_nothing_but_marts(analyst_web: httpx.Client) -> None:
    """The analyst's role can read schema marts only, and the page works as that role."""
    assert analyst_web.get("/").status_code == 200
    assert analyst_web.get("/uploads").status_code >= 500


def test_text_of_vendors_is_escaped_in_page_and_chart(web: httpx.Client) -> None:
    page = web.get("/").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page


def test_no_inline_script_or_style_and_nothing_from_outside(web: httpx.Client) -> None:
    answer = web.get("/")
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=", answer.text)
    links = re.findall(r'(?:src|href)="([^"]*)"', answer.text)
    assert links
    assert all(link.startswith(("/", "#")) for link in links)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_an_empty_platform_gets_a_friendly_page(dsn: str, tmp_path: Path, open_web: Open) -> None:
    platform = platform_of(dsn, tmp_path)
    client = open_web(platform)
    before = client.get("/")
    build_marts(platform)
    after = client.get("/")
    for page in (before, after):
        assert page.status_code == 200
        assert "Nothing to show yet" in page.text


def test_the_same_figures_are_drawn_once() -> None:
    rows = [{"label": "a", "value": 1}, {"label": "b", "value": 2}]
    first = charts.bars(rows, "label", "value")
    drawn = charts._svg.cache_info().misses
    assert charts.bars(rows, "label", "value") == first
    assert charts._svg.cache_info().misses == drawn
    assert charts.bars([], "label", "value") == ""


@pytest.mark.parametrize(
    "path", ["/", "/uploads", "/plans", "/plans/1", "/uploads/1/rejects", "/connect", "/lookups"]
)
def test_pages_open(web: httpx.Client, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
