"""The latest look-ups: masked, filtered, paged by key, read from the marts by an index."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from bulk_lookup_dagster.services.catalogue import read_catalogue
from bulk_lookup_dagster.services.marts import build_marts, ensure_manifest
from bulk_lookup_dagster.web import lookups
from tests.fakes.story import PHONE, platform_of
from tests.web.conftest import Open

_ROW = re.compile(r'class="masked" id="contact-(\d+)"')


def test_the_dashboard_shows_the_newest_masked(web: httpx.Client) -> None:
    page = web.get("/").text
    section = page.split('id="lookups"')[1].split("</section>")[0]
    assert _ROW.findall(section) == ["6", "5", "4", "3", "2", "1"]
    assert "+14•••••••00" in section
    assert PHONE not in page
    assert 'href="/lookups"' in section
    assert "as of <time" in section


@pytest.mark.parametrize(
    "query, expected",
    [
        ("", "6 5 4 3 2 1"),
        ("line=voip", "3 2"),
        ("risk=low", "1"),
        ("risk=unknown&validity=valid", "5 4"),
        ("validity=invalid", "6"),
        ("kind=business", "2"),
        ("line=fax", "6 5 4 3 2 1"),
        ("line=' OR true --", "6 5 4 3 2 1"),
        ("answered_at=2026-11-02T08:00:01%2B00:00&contact_id=3", "2 1"),
        ("answered_at=2026-11-02T08:00:01%2B00:00&contact_id=1", ""),
    ],
)
def test_a_filter_shows_what_sql_finds(web: httpx.Client, query: str, expected: str) -> None:
    answer = web.get(f"/lookups?{query}")
    assert answer.status_code == 200
    assert " ".join(_ROW.findall(answer.text)) == expected


def test_the_filter_keeps_what_was_chosen(web: httpx.Client) -> None:
    page = web.get("/lookups?risk=high").text
    assert re.findall(r'<option value="(\w+)" selected>', page) == ["high"]


@pytest.mark.parametrize("page, window", [(2, 10_000), (50, 2), (1, 3), (2, 2), (6, 6)])
def test_f60_pages_hold_every_row_once(
    web: httpx.Client, monkeypatch: pytest.MonkeyPatch, page: int, window: int
) -> None:
    monkeypatch.setattr(lookups, "PAGE", page)
    monkeypatch.setattr(lookups, "WINDOW", window)
    for query, expected in (("", list("654321")), ("kind=business", ["2"])):
        seen: list[str] = []
        address: str | None = f"/lookups?{query}"
        while address:
            text = web.get(address).text
            found = _ROW.findall(text)
            assert len(found) <= page
            seen += found
            link = re.search(r'class="button quiet" href="(/lookups\?[^"]+)"', text)
            address = html.unescape(link[1]) if link else None
        assert seen == expected


def test_the_words_offered_are_those_the_mart_may_hold() -> None:
    model = read_catalogue(ensure_manifest()).find("dim_contacts")
    assert model is not None
    allowed = next(one.words for one in model.checks if one.words.startswith("allowed words"))
    for name, column in lookups._COLUMNS.items():
        assert f"{column}: {', '.join(lookups.WORDS[name])}" in allowed


def test_an_index_serves_it(marts: psycopg.Connection[Any]) -> None:
    with marts.transaction(force_rollback=True):
        marts.execute("SET LOCAL enable_seqscan = off")
        for query in (lookups._NEWEST, lookups._NEWEST.replace("ORDER", f"{lookups._AFTER} ORDER")):
            parameters = {"limit": 20, "answered_at": "2026-11-02 09:00+00", "contact_id": 3}
            (plan,) = marts.execute(
                b"EXPLAIN (FORMAT JSON) " + query.encode(), parameters
            ).fetchall()[0]
            words = json.dumps(plan)
            assert '"Index Scan"' in words
            assert '"Sort"' not in words


def test_it_reads_nothing_but_marts(analyst_web: httpx.Client) -> None:
    assert len(_ROW.findall(analyst_web.get("/lookups").text)) == 6


def test_before_the_first_build_and_without_answers_it_says_so(
    dsn: str, tmp_path: Path, open_web: Open
) -> None:
    platform = platform_of(dsn, tmp_path)
    client = open_web(platform)
    before = client.get("/lookups")
    build_marts(platform)
    for answer in (before, client.get("/lookups")):
        assert answer.status_code == 200
        assert "No number is looked up yet." in answer.text
    assert "No look-up matches." in client.get("/lookups?risk=low").text
