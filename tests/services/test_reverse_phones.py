"""Owners of numbers: Trestle, then Whitepages, then an adapter under contract; real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import NoPrice
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import Plan
from bulk_lookup_dagster.services.refresh import plan_refresh
from bulk_lookup_dagster.services.runs import run_step_of_batch
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.uploads import UploadReport
from resources.trestle_records import parse_reverse_phone
from resources.truecaller_records import parse_owner
from resources.whitepages_records import parse_person
from tests.fakes.many_steps import approved, asked, load_numbers, sandboxed, switch_on
from tests.fakes.sandbox import SandboxProcess, running_sandbox

Connection = psycopg.Connection[Any]
NUMBERS = 40
PRICE = "providers.whitepages.price_overrides_usd.person"
UNPRICED = f"no price: set {PRICE}"
CONTRACT_PRICE = "providers.truecaller.price_overrides_usd.owner"


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox("--faults", "none") as process:
        yield process


@pytest.fixture
def platform(dsn: str, tmp_path: Path, sandbox: SandboxProcess) -> Platform:
    return sandboxed(dsn, tmp_path / "home", sandbox)


@pytest.fixture
def upload(conn: Connection, platform: Platform, tmp_path: Path) -> UploadReport:
    platform.environment.home.mkdir(exist_ok=True)
    switch_on(conn, "reverse_phones")
    change_settings(conn, "steps.phone_lookups.enabled", "false", "ann")
    for vendor in ("whitepages", "truecaller"):
        change_settings(conn, f"providers.{vendor}.requests_per_second", "500", "ann")
    return load_numbers(platform, tmp_path, NUMBERS)


def step_of(plan: Plan) -> dict[str, Any]:
    (found,) = [one for one in plan.estimate["steps"] if one["step"] == "reverse_phones"]
    return dict(found)


def go(conn: Connection, platform: Platform, upload: UploadReport) -> tuple[Plan, RunReport]:
    plan = approved(conn, platform, upload)
    batch = upload.batches[0].batch_id
    run = run_step_of_batch(platform, batch, plan.plan_id, "reverse_phones")
    return plan, asyncio.run(run)


def subjects(conn: Connection, provider: str, outcome: str | None = None) -> set[int]:
    """Numbers a provider was asked about, or those of one outcome."""
    rows = conn.execute(
        "SELECT subject_id FROM ledger.claims WHERE provider = %s"
        " AND (%s::text IS NULL OR outcome = %s)",
        (provider, outcome, outcome),
    )
    return {row[0] for row in rows.fetchall()}


def left_out(report: RunReport) -> dict[str, tuple[int, str]]:
    return {one.provider: (one.questions, one.because) for one in report.left_out}


def test_whoever_is_asked_fills_the_same_columns() -> None:
    columns = set(parse_reverse_phone({"is_valid": True}))
    assert set(parse_person({})) == set(parse_owner({})) == columns


def test_whitepages_is_asked_only_where_trestle_knew_nobody(
    conn: Connection, platform: Platform, upload: UploadReport, sandbox: SandboxProcess
) -> None:
    change_settings(conn, PRICE, "0.10", "ann")
    plan, report = go(conn, platform, upload)
    assert step_of(plan)["due"] == NUMBERS
    assert plan.max_micros == NUMBERS * (70_000 + 100_000)
    assert report.complete
    misses = subjects(conn, "trestle", "no_data")
    assert 0 < len(misses) < NUMBERS
    assert subjects(conn, "whitepages") == misses
    assert asked(sandbox, "whitepages") == len(misses)
    known = conn.execute(
        "SELECT count(*), bool_and(owner_type = 'person' AND owner_name IS NOT NULL"
        " AND licence_class = 'whitepages_people' AND expires_at - fetched_at = '180 days')"
        " FROM enrichment.reverse_phones_best WHERE provider = 'whitepages' AND outcome = 'data'"
    ).fetchone()
    assert known
    assert known[0] > 0
    assert known[1]
    assert set(left_out(report)) == {"truecaller"}
    _, again = go(conn, platform, upload)
    assert again.requests == 0
    assert sandbox.control("GET", "summary")["paid_twice"] == 0


def test_f03_without_a_price_whitepages_is_skipped_with_the_reason_and_counted(
    conn: Connection, platform: Platform, upload: UploadReport, sandbox: SandboxProcess
) -> None:
    plan, report = go(conn, platform, upload)
    told = {one["provider"]: one for one in step_of(plan)["left_out"]}
    assert told["whitepages"]["because"] == UNPRICED
    assert told["whitepages"]["questions"] == NUMBERS
    assert "private contract" in told["truecaller"]["because"]
    assert plan.max_micros == NUMBERS * 70_000
    assert report.complete
    misses = len(subjects(conn, "trestle", "no_data"))
    assert misses
    assert left_out(report)["whitepages"] == (misses, UNPRICED)
    assert {one["questions"] for one in report.as_json()["left_out"]} == {misses}
    assert (asked(sandbox, "whitepages"), asked(sandbox, "truecaller")) == (0, 0)

    change_settings(conn, PRICE, "0.10", "ann")
    plan, report = go(conn, platform, upload)
    assert plan.max_micros == misses * 100_000
    assert (asked(sandbox, "trestle"), asked(sandbox, "whitepages")) == (NUMBERS, misses)
    assert "whitepages" not in left_out(report)


def test_f32_while_trestle_is_unavailable_whitepages_waits(
    conn: Connection, platform: Platform, upload: UploadReport, sandbox: SandboxProcess
) -> None:
    change_settings(conn, PRICE, "0.10", "ann")
    down = {"rates": {"rate_limited_bare": 1.0}, "clean_after": 1_000_000}
    sandbox.control("PUT", "faults?vendor=trestle", down)
    _, report = go(conn, platform, upload)
    assert not report.complete
    assert asked(sandbox, "trestle") > 0
    assert asked(sandbox, "whitepages") == 0
    assert subjects(conn, "whitepages") == set()


def test_the_adapter_of_a_contract_comes_last_and_needs_a_price(
    dsn: str, conn: Connection, upload: UploadReport, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    keys = {"BULK_LOOKUP_ENV": "local", "TRUECALLER_API_KEY": "hidden-word"}
    platform = sandboxed(dsn, tmp_path / "home", sandbox, **keys)
    change_settings(conn, PRICE, "0.10", "ann")
    _, report = go(conn, platform, upload)
    waiting = len(subjects(conn, "whitepages", "no_data"))
    assert left_out(report) == {"truecaller": (waiting, f"no price: set {CONTRACT_PRICE}")}
    assert waiting > 0
    assert asked(sandbox, "truecaller") == 0
    change_settings(conn, CONTRACT_PRICE, "0.05", "ann")
    plan, report = go(conn, platform, upload)
    assert plan.max_micros == waiting * 50_000
    assert subjects(conn, "truecaller") == subjects(conn, "whitepages", "no_data")
    assert left_out(report) == {}
    stored = conn.execute(
        "SELECT owners -> 0 ? 'is_spam' FROM enrichment.reverse_phones"
        " WHERE provider = 'truecaller' AND outcome = 'data' LIMIT 1"
    ).fetchone()
    assert stored == (True,)


def test_f03_a_package_without_a_price_is_not_bought_again(
    platform: Platform, upload: UploadReport
) -> None:
    with pytest.raises(NoPrice, match=CONTRACT_PRICE):
        plan_refresh(platform, upload.upload_id, ["owner"], datetime.now(UTC))
