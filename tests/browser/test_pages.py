"""The pages in a real browser: no console error, nothing from outside, figures equal SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from bulk_lookup_dagster.services.marts import build_marts
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.web.app import create_app
from tests.fakes.served import served
from tests.fakes.story import platform_of, tell

PATHS = (
    *("/", "/lookups", "/connect", "/catalogue", "/catalogue?q=carrier", "/catalogue/dim_contacts"),
    *("/catalogue/int_contacts", "/uploads", "/plans", "/plans/1", "/plans/2"),
    *("/uploads/1/rejects", "/review", "/review/contacts/1"),
)
SIZES = ({"width": 1280, "height": 900}, {"width": 390, "height": 800})

# Relative luminance and contrast as WCAG 2 defines them, for every element with text of its own.
_LOW_CONTRAST = """() => {
  const channel = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
  const numbers = c => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const behind = e => { for (; e; e = e.parentElement) {
    const c = numbers(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (e.closest('.skip') || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const ink = e.ownerSVGElement ? style.fill : style.color;
    const [a, b] = [light(numbers(ink)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) found.push([e.tagName, e.textContent.trim().slice(0, 40), ratio]);
  }
  return found;
}"""

_UNLABELLED = """() => [
  ...document.querySelectorAll('input:not([type=hidden]), select, button, a, img')]
  .filter(e => !(e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label')
                 || e.hasAttribute('alt')))
  .map(e => e.outerHTML)"""


class Watched:
    """A page and everything it complained about or asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self.complaints.append(request.url))
        page.on("request", lambda request: self.asked.append(request.url))


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page()
    yield Watched(page)
    page.close()


@pytest.mark.parametrize("path", PATHS)
def test_no_console_error_and_no_outside_request(watched: Watched, address: str, path: str) -> None:
    answer = watched.page.goto(address + path, wait_until="networkidle")
    assert answer is not None
    assert answer.ok
    assert watched.complaints == []
    assert watched.asked
    assert all(url.startswith(address + "/") for url in watched.asked)


def test_figures_equal_sql(watched: Watched, address: str, marts: psycopg.Connection[Any]) -> None:
    found = marts.execute("SELECT to_jsonb(s) FROM marts.dashboard_stats s").fetchone()
    assert found is not None
    stats = found[0]
    page = watched.page
    page.goto(address)
    assert page.inner_text("#kpi-contacts .value") == f"{stats['contacts']:,}"
    assert page.inner_text("#kpi-spent .value") == f"${stats['cost_usd']:,.2f}"
    assert page.inner_text("#kpi-saved .value") == f"${stats['saved_usd']:,.2f}"
    enriched = f"{stats['enrichment_rate'] * 100:.1f}\N{NO-BREAK SPACE}%"
    assert page.inner_text("#kpi-enriched .value") == enriched
    assert page.inner_text("#due .approval") == f"{stats['contacts_waiting_approval']:,}"
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    for slug, label, name in (
        ("status", "Complete", "contacts_complete"),
        ("lines", "VoIP", "line_voip"),
        ("risk", "Unknown", "risk_unknown"),
        ("kinds", "Business", "kind_business"),
    ):
        row = page.locator(f"#figure-{slug} tbody tr", has_text=label)
        assert row.locator(".num").inner_text() == f"{stats[name]:,}"
        drawn = page.locator(f"#figure-{slug} svg text").all_text_contents()
        assert f"{stats[name]:,}" in drawn


def test_without_javascript_the_page_is_the_same(browser: Browser, address: str) -> None:
    texts = []
    for enabled in (True, False):
        context = browser.new_context(java_script_enabled=enabled)
        page = context.new_page()
        page.goto(address)
        texts.append(page.locator("main").inner_text())
        assert page.locator(".chart svg").count() >= 7
        context.close()
    assert texts[0] == texts[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_everything_can_be_read_and_is_labelled(
    browser: Browser, address: str, path: str, scheme: Any
) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(address + path)
    assert json.dumps(page.evaluate(_LOW_CONTRAST)) == "[]"
    assert page.evaluate(_UNLABELLED) == []
    assert page.locator("h1").count() == 1
    page.close()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", SIZES)
def test_no_page_scrolls_sideways(browser: Browser, address: str, path: str, size: Any) -> None:
    page = browser.new_page(viewport=size)
    page.goto(address + path)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()


def test_a_file_is_handed_in_by_form(watched: Watched, dsn: str, tmp_path: Path) -> None:
    platform = platform_of(dsn, tmp_path)
    file = tmp_path / "leads.csv"
    file.write_text("phone\n+14155550100\n")
    with served(create_app(platform)) as address:
        watched.page.goto(address + "/uploads")
        watched.page.set_input_files("input[name=file]", file)
        watched.page.click("button")
        expect(watched.page.locator(".notice")).to_contain_text("Received as")
    (stored,) = (tmp_path / "files" / "inbox").iterdir()
    assert stored.read_text() == file.read_text()
    assert watched.complaints == []


def test_an_empty_platform_leads_the_way(watched: Watched, dsn: str, tmp_path: Path) -> None:
    with served(create_app(platform_of(dsn, tmp_path))) as address:
        watched.page.goto(address)
        assert watched.page.inner_text("h1") == "Nothing to show yet"
        watched.page.click("text=Hand in a file")
        expect(watched.page).to_have_url(address + "/uploads")


def test_a_new_build_shows_at_once(watched: Watched, dsn: str, tmp_path: Path) -> None:
    platform = platform_of(dsn, tmp_path)
    with connect(dsn) as conn:
        tell(conn)
    with served(create_app(platform)) as address:
        watched.page.goto(address)
        assert watched.page.inner_text("h1") == "Nothing to show yet"
        build_marts(platform)
        watched.page.reload()
        assert watched.page.inner_text("#kpi-contacts .value") == "10"
