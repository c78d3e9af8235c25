"""The Dagster UI in a real Chromium: a run page is green and nothing leaves this machine."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import httpx
import pytest
from playwright.sync_api import Browser, Request, expect

from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.services.demo import run_demo
from bulk_lookup_dagster.services.instance import Platform
from tests.fakes.programs import started_platform

_RUNS = "{ runsOrError { ... on Runs { results { runId jobName status } } } }"
_LOOPBACK = {"127.0.0.1", "localhost", "::1", None}


def build(resources: Mapping[str, Any]) -> dg.Definitions:
    return build_defs("demo", overrides=resources)


@pytest.fixture
def environ(platform: Platform) -> dict[str, str]:
    environment = platform.environment
    return {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(environment.home),
        "DATABASE_URL": platform.dsn,
        "MIGRATION_DATABASE_URL": platform.migration_dsn,
        "DAGSTER_DATABASE_URL": platform.dagster_dsn,
    }


def test_every_run_of_the_demo_is_green_and_nothing_leaves_loopback(
    browser: Browser, platform: Platform, environ: dict[str, str]
) -> None:
    with ThreadPoolExecutor(1) as pool:  # Playwright's event loop runs in this thread
        pool.submit(run_demo, platform, build, rows=60).result()
    outside: list[str] = []
    with started_platform(environ) as (_, addresses), browser.new_context() as context:
        ui = addresses["dagster"]
        page = context.new_page()

        def note(request: Request) -> None:
            if urlsplit(request.url).hostname not in _LOOPBACK:
                outside.append(request.url)

        context.on("request", note)
        answer = httpx.post(f"{ui}/graphql", json={"query": _RUNS}, timeout=60)
        runs = {
            run["jobName"]: run["runId"] for run in answer.json()["data"]["runsOrError"]["results"]
        }
        assert {"intake_upload", "enrich_batch", "build_marts"} <= set(runs)
        for job in ("enrich_batch", "build_marts"):
            page.goto(f"{ui}/runs/{runs[job]}", wait_until="domcontentloaded")
            expect(page.get_by_text("Success", exact=True).first).to_be_visible()
            assert page.get_by_text("Failure", exact=True).count() == 0
        page.goto(f"{ui}/asset-groups", wait_until="domcontentloaded")
        expect(page.get_by_text("Global asset lineage").first).to_be_visible()
        assert page.get_by_text("newsletter").count() == 0
    assert outside == []
