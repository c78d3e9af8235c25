"""The review page in a real browser, without JavaScript: a pair is accepted and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from playwright.sync_api import Browser, expect

from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.services.golden import build_contacts
from bulk_lookup_dagster.web.app import create_app
from tests.browser.test_pages import _LOW_CONTRAST, _UNLABELLED, SIZES
from tests.fakes.served import served
from tests.fakes.story import platform_of
from tests.matching.conftest import add_contacts
from tests.services.test_review import ROWS


def test_a_pair_is_accepted_and_taken_back(
    browser: Browser, conn: psycopg.Connection[Any], dsn: str, tmp_path: Path
) -> None:
    add_contacts(conn, ROWS)
    run_full(conn)
    build_contacts(conn)
    with served(create_app(platform_of(dsn, tmp_path))) as address:
        for size in SIZES:
            page = browser.new_page(java_script_enabled=True, viewport=size)  # type: ignore[arg-type]  # as in test_pages
            page.goto(f"{address}/review", wait_until="networkidle")
            assert page.evaluate(_LOW_CONTRAST) == []
            assert page.evaluate(_UNLABELLED) == []
            wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            assert page.evaluate(wide)
            page.close()
        plain = browser.new_page(java_script_enabled=False)
        plain.goto(f"{address}/review")
        assert plain.locator("svg.waterfall").count() == 1
        plain.get_by_role("button", name="The same", exact=True).click()
        expect(plain.get_by_text("No pair waits for review")).to_be_visible()
        plain.get_by_role("button", name="Unmerge").first.click()
        expect(plain.get_by_text("unmerge", exact=True)).to_be_visible()
        plain.close()
    sizes = conn.execute(
        "SELECT count(*) FROM matching.current_members GROUP BY golden_id ORDER BY 1"
    ).fetchall()
    assert sizes == [(1,), (1,), (2,)]
