"""Health and metrics: shallow, honest, and silent about internals (F51)."""

from __future__ import annotations

from pathlib import Path

import httpx

from bulk_lookup_dagster.storage.database import connect
from tests.fakes.story import platform_of
from tests.web.conftest import Open

NOWHERE = "postgresql://someone:hidden@127.0.0.1:1/nothing"


def test_ready_and_alive(web: httpx.Client) -> None:
    assert web.get("/health/live").json() == {"status": "alive"}
    answer = web.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_f51_without_a_database_it_is_alive_but_not_ready_and_says_why_to_operators_only(
    tmp_path: Path, open_web: Open
) -> None:
    platform = platform_of(
        NOWHERE, tmp_path, BULK_LOOKUP_ENV="production", BULK_LOOKUP_OPERATOR_TOKEN="test-token"
    )
    client = open_web(platform)
    assert client.get("/health/live").status_code == 200
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
    told = client.get("/health/ready", headers={"Authorization": "Bearer test-token"}).json()
    assert "Cannot connect" in told["reason"]
    assert "hidden" not in told["reason"]
    page = client.get("/")
    assert page.status_code == 503
    assert "127.0.0.1" not in page.text


def test_a_schema_of_another_program_is_not_ready(
    owner_dsn: str, dsn: str, tmp_path: Path, open_web: Open
) -> None:
    client = open_web(platform_of(dsn, tmp_path))
    assert client.get("/health/ready").status_code == 200
    with connect(owner_dsn) as conn:
        conn.execute("UPDATE alembic_version SET version_num = 'other'")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert "schema" in answer.json()["reason"]


def test_metrics_say_what_the_marts_say(web: httpx.Client) -> None:
    text = web.get("/metrics").text
    assert 'bulk_lookup_contacts{is="complete"} 6.0' in text
    assert 'bulk_lookup_line{is="voip"} 2.0' in text
    assert "bulk_lookup_plans_waiting 1.0" in text
    assert "bulk_lookup_built_at " in text


def test_metrics_before_the_first_build(dsn: str, tmp_path: Path, open_web: Open) -> None:
    text = open_web(platform_of(dsn, tmp_path)).get("/metrics").text
    assert "bulk_lookup_marts_waiting 0.0" in text


def test_metrics_are_not_for_everybody(web: httpx.Client) -> None:
    assert web.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 403


def test_no_docs_page_and_a_schema(web: httpx.Client) -> None:
    assert web.get("/docs").status_code == 404
    assert "/health/ready" in web.get("/openapi.json").json()["paths"]
