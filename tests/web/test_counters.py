"""The dashboard's rates, what waits, plan accuracy, and counters nobody collects yet."""

from __future__ import annotations

import re
from typing import Any, cast

import httpx
import psycopg
import pytest

from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import MartsBuild
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.web.dashboard import read_dashboard
from tests.web.test_dashboard import kpi


def one(conn: psycopg.Connection[Any], query: str) -> Any:
    (row,) = conn.execute(cast("Any", query)).fetchall()
    return row[0]


def section(page: str, slug: str) -> str:
    return page.split(f'id="{slug}"')[1].split("</section>")[0]


_ENRICHED = """
    SELECT 100.0 * count(*) FILTER (WHERE EXISTS (
               SELECT 1 FROM enrichment.phone_lookups l
                WHERE l.subject_id = c.phone_subject_id AND l.expires_at > now()))
           / count(*)
      FROM intake.contacts c WHERE c.first_batch_id = 1
"""
_VERIFIED = """
    SELECT 100.0 * count(*) FILTER (WHERE EXISTS (
               SELECT 1 FROM enrichment.phone_lookups l
                WHERE l.subject_id = c.phone_subject_id AND l.expires_at > now() AND l.valid))
           / count(*)
      FROM intake.contacts c WHERE c.first_batch_id = 1
"""
_EMAIL = "SELECT 100.0 * count(email) / count(*) FROM intake.contacts WHERE first_batch_id = 1"


@pytest.mark.parametrize(
    "slug, query", [("enriched", _ENRICHED), ("verified", _VERIFIED), ("coverage", _EMAIL)]
)
def test_rates_equal_the_base_tables(
    web: httpx.Client, marts: psycopg.Connection[Any], slug: str, query: str
) -> None:
    assert kpi(web.get("/").text, slug) == f"{one(marts, query):.1f}\N{NO-BREAK SPACE}%"


def test_cost_and_time_equal_the_mart(web: httpx.Client, marts: psycopg.Connection[Any]) -> None:
    page = web.get("/").text
    seconds = one(marts, "SELECT mean_processing_s FROM marts.dashboard_stats")
    micros = one(marts, "SELECT cost_per_contact_micros FROM marts.dashboard_stats")
    assert kpi(page, "time") == f"{seconds:,.1f} s"
    assert kpi(page, "unit-cost") == f"${round(micros, -4) / 1_000_000:.2f}"
    assert "1 business, 1 consumer" in page


def test_what_is_due_leads_to_its_plan(web: httpx.Client, marts: psycopg.Connection[Any]) -> None:
    waiting = section(web.get("/").text, "due")
    due = one(marts, "SELECT count(*) FROM ledger.claims WHERE state = 'failed'")
    assert f'<span class="due">{due}</span>' in waiting
    assert 'href="/plans"' in waiting


def test_a_plan_still_asked_is_no_measure_of_estimates(web: httpx.Client) -> None:
    assert "No plan is finished yet" in section(web.get("/").text, "accuracy")


def test_what_nobody_collects_is_not_shown_as_zero(web: httpx.Client) -> None:
    cells = re.findall(r"<td>(.*?)</td>", section(web.get("/").text, "later"))
    assert len(cells) == 7
    assert set(cells) == {"not collected yet"}


def test_finished_plans_and_new_counters_are_shown(
    marts_platform: Platform, build: MartsBuild
) -> None:
    with connect(marts_platform.dsn, name="test") as conn:
        conn.execute(
            "UPDATE marts.mart_plan_accuracy SET plan_state = 'done', is_within_range = true"
        )
        conn.execute("UPDATE marts.dashboard_stats SET calls_made = 3")
        found = read_dashboard(conn)
        conn.rollback()
    assert found is not None
    stats = found.stats
    assert (stats["plans"], stats["plans_within_range"]) == (1, 1)
    assert stats["plans_cost_micros"] == stats["cost_micros"]
    assert stats["plans_estimated_micros"] == 130000
    assert dict(found.later)["Calls"] == [("calls made", 3), ("calls answered", 0)]
    assert dict(found.later)["Messages"] == []
