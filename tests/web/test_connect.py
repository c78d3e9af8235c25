"""The page for BI tools: the analyst's address, and each mart as the catalog tells it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.dbt.test_marts import MARTS
from tests.fakes.story import platform_of
from tests.web.conftest import Open


def test_every_mart_is_listed_with_its_rows_and_columns(
    web: httpx.Client, marts: psycopg.Connection[Any]
) -> None:
    page = web.get("/connect").text
    assert set(re.findall(r'id="mart-(\w+)"', page)) == set(MARTS)
    for name in MARTS:
        section = page.split(f'id="mart-{name}"')[1].split("</section>")[0]
        count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("marts", name))
        (rows,) = marts.execute(count).fetchall()[0]
        assert f'<span class="rows">{rows}</span>' in section
        assert "One row" in section
        assert "<td></td>" not in section  # each column says what it is
        assert "as of <time" in section


def test_it_shows_the_analysts_address_and_no_password(
    web: httpx.Client, postgres: EmbeddedServer
) -> None:
    page = web.get("/connect").text
    assert roles.ANALYST in page
    assert str(postgres.port) in page
    assert not any(postgres.password(role) in page for role in roles.ROLES)


def test_it_reads_nothing_but_marts(analyst_web: httpx.Client) -> None:
    assert analyst_web.get("/connect").status_code == 200


def test_before_the_first_build_it_says_so(dsn: str, tmp_path: Path, open_web: Open) -> None:
    page = open_web(platform_of(dsn, tmp_path)).get("/connect")
    assert page.status_code == 200
    assert "not built yet" in page.text


def test_every_page_leads_there(web: httpx.Client) -> None:
    assert 'href="/connect"' in web.get("/").text
