"""Plans and runs over many steps: real database and sockets, all vendors played by the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import Plan, make_plan
from bulk_lookup_dagster.services.publishing import finish_plan
from bulk_lookup_dagster.services.runs import due_in_plan, run_batch, run_step_of_batch
from bulk_lookup_dagster.services.settings import change_settings, load_settings
from bulk_lookup_dagster.services.uploads import UploadReport
from tests.fakes.many_steps import (
    PHONE_STEPS,
    approved,
    asked,
    load_numbers,
    sandboxed,
    switch_on,
)
from tests.fakes.sandbox import SandboxProcess, running_sandbox

Connection = psycopg.Connection[Any]
NUMBERS = 40
VENDORS = ("twilio_lookup", "numverify", "trestle")


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox("--faults", "none") as process:
        yield process


@pytest.fixture
def platform(dsn: str, tmp_path: Path, sandbox: SandboxProcess) -> Platform:
    return sandboxed(dsn, tmp_path / "home", sandbox)


@pytest.fixture
def upload(platform: Platform, tmp_path: Path) -> UploadReport:
    platform.environment.home.mkdir(exist_ok=True)
    return load_numbers(platform, tmp_path, NUMBERS)


def by_step(plan: Plan) -> dict[str, dict[str, Any]]:
    return {one["step"]: one for one in plan.estimate["steps"]}


def lines(plan: Plan) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["provider"], one["operation"]): one for one in plan.estimate["lines"]}


def outcomes(conn: Connection) -> set[tuple[str, ...]]:
    """Everything answered: who said what about which number."""
    return set(
        conn.execute(
            "SELECT provider, operation, subject_id, outcome FROM ledger.claims"
            " WHERE state = 'answered'"
        ).fetchall()
    )


def test_a_plan_prices_every_enabled_step_and_calls_nobody(
    conn: Connection, platform: Platform, upload: UploadReport, sandbox: SandboxProcess
) -> None:
    switch_on(conn, *PHONE_STEPS)
    plan = make_plan(conn, upload.upload_id, load_settings(conn), platform)
    told = by_step(plan)
    assert {name: one["due"] for name, one in told.items() if not one["skipped_because"]} == {
        "phone_lookups": 2 * NUMBERS,
        "phone_validations": NUMBERS,
        "line_statuses": NUMBERS,
        "reverse_phones": NUMBERS,
    }
    second = lines(plan)["trestle", "phone_intel"]
    assert (second["due"], second["waiting"]) == (0, NUMBERS)
    assert 0 < second["expected"] < NUMBERS
    # The cap covers the worst: the first provider answers nobody.
    assert plan.max_micros == NUMBERS * (18_000 + 2_000 + 7_000 + 15_000 + 70_000)
    assert plan.estimate["p10_micros"] < plan.estimate["p50_micros"] < plan.estimate["p90_micros"]
    assert plan.estimate["p90_micros"] < plan.max_micros
    stored = conn.execute("SELECT scope -> 'steps' -> 'line_statuses' FROM ledger.plans").fetchone()
    assert stored == (
        {
            "offers": [["twilio_lookup", "line_status"], ["trestle", "phone_intel"]],
            "minimum_confidence": 0,
            "holdout_percent": 0,
        },
    )
    assert sum(asked(sandbox, vendor) for vendor in VENDORS) == 0


def test_a_step_that_is_off_or_has_nobody_to_ask_says_so(
    dsn: str, conn: Connection, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    platform = sandboxed(dsn, tmp_path / "home", sandbox)
    platform = sandboxed(
        dsn, tmp_path / "home", sandbox, BULK_LOOKUP_ENV="local", TRESTLE_API_KEY=""
    )
    upload = load_numbers(platform, tmp_path, NUMBERS)
    switch_on(conn, "phone_lookups", "line_statuses", "reverse_phones")
    plan = approved(conn, platform, upload)
    told = by_step(plan)
    assert "steps.phone_validations.enabled" in told["phone_validations"]["skipped_because"]
    assert told["reverse_phones"]["skipped"] == NUMBERS
    assert "TRESTLE_API_KEY" in told["reverse_phones"]["skipped_because"]
    # Who cannot be asked is no position of the waterfall.
    assert told["line_statuses"]["due"] == NUMBERS
    assert ("trestle", "phone_intel") not in lines(plan)
    reports = run_batch(platform, upload.batches[0].batch_id, plan.plan_id)
    assert set(reports.by_step) == {"phone_lookups", "line_statuses"}
    assert reports.complete
    assert asked(sandbox, "trestle") == 0


def test_f03_a_step_without_a_price_is_skipped_until_one_is_set(
    conn: Connection, platform: Platform, upload: UploadReport, sandbox: SandboxProcess
) -> None:
    change_settings(conn, "steps.phone_validations.enabled", "true", "ann")
    plan = approved(conn, platform, upload)
    told = by_step(plan)["phone_validations"]
    price = "providers.numverify.price_overrides_usd.validate"
    assert (told["skipped"], told["due"]) == (NUMBERS, 0)
    assert told["skipped_because"] == f"numverify: no price: set {price}"
    batch = upload.batches[0].batch_id
    report = asyncio.run(run_step_of_batch(platform, batch, plan.plan_id, "phone_validations"))
    assert (report.skipped, report.skipped_because) == (NUMBERS, told["skipped_because"])
    assert asked(sandbox, "numverify") == 0
    change_settings(conn, price, "0.002", "ann")
    assert by_step(approved(conn, platform, upload))["phone_validations"]["due"] == NUMBERS


def test_f02_a_run_buys_every_step_once_and_the_plan_ends(
    conn: Connection, platform: Platform, upload: UploadReport, sandbox: SandboxProcess
) -> None:
    switch_on(conn, *PHONE_STEPS)
    plan = approved(conn, platform, upload)
    batch = upload.batches[0].batch_id
    first = run_batch(platform, batch, plan.plan_id)
    assert first.complete
    assert first.requests == sum(asked(sandbox, vendor) for vendor in VENDORS)
    assert due_in_plan(conn, plan.plan_id, platform.secret_key) == 0
    for step in PHONE_STEPS:
        found = conn.execute(f"SELECT count(DISTINCT subject_id) FROM enrichment.{step}").fetchone()
        assert found == (NUMBERS,)
        best = conn.execute(f"SELECT count(*) FROM enrichment.{step}_best").fetchone()
        assert best
        assert best[0] > 0
    # The second provider was asked only where the first had nothing.
    left_over = conn.execute(
        "SELECT count(*) FROM ledger.claims WHERE operation = 'line_status'"
        " AND coalesce(outcome, 'failed') <> 'data'"
    ).fetchone()
    intel = conn.execute("SELECT count(*) FROM ledger.claims WHERE operation = 'phone_intel'")
    assert intel.fetchone() == left_over

    again = run_batch(platform, batch, plan.plan_id)
    assert (again.requests, again.complete) == (0, True)
    conn.execute("UPDATE intake.batches SET state = 'enriching'")
    conn.execute("UPDATE intake.batches SET state = 'published', published_at = now()")
    assert finish_plan(conn, plan.plan_id, platform.secret_key)
    assert make_plan(conn, upload.upload_id, load_settings(conn), platform).state == "done"
    assert sandbox.control("GET", "summary")["paid_twice"] == 0


def test_f02_a_step_added_to_a_batch_already_bought_buys_only_that(
    conn: Connection, platform: Platform, upload: UploadReport, sandbox: SandboxProcess
) -> None:
    batch = upload.batches[0].batch_id
    switch_on(conn, "phone_lookups")
    run_batch(platform, batch, approved(conn, platform, upload).plan_id)
    before = asked(sandbox, "twilio_lookup")

    switch_on(conn, "reverse_phones")
    plan = approved(conn, platform, upload)
    assert plan.max_micros == NUMBERS * 70_000
    run_batch(platform, batch, plan.plan_id)
    assert (asked(sandbox, "twilio_lookup"), asked(sandbox, "trestle")) == (before, NUMBERS)

    packages = '["line_type_intelligence", "caller_name", "sim_swap"]'
    change_settings(conn, "providers.twilio_lookup.packages", packages, "ann")
    change_settings(
        conn, "providers.twilio_lookup.price_overrides_usd", '{"sim_swap": "0.01"}', "ann"
    )
    plan = approved(conn, platform, upload)
    assert plan.max_micros == NUMBERS * 10_000
    run_batch(platform, batch, plan.plan_id)
    assert asked(sandbox, "twilio_lookup") == before + NUMBERS
    assert asked(sandbox, "trestle") == NUMBERS


def test_f02_a_holdout_added_to_a_batch_already_bought_buys_only_that(
    conn: Connection, platform: Platform, upload: UploadReport, sandbox: SandboxProcess
) -> None:
    batch = upload.batches[0].batch_id
    switch_on(conn, "phone_lookups", "line_statuses")
    run_batch(platform, batch, approved(conn, platform, upload).plan_id)
    twilio, trestle = asked(sandbox, "twilio_lookup"), asked(sandbox, "trestle")
    change_settings(conn, "steps.line_statuses.holdout_percent", "100", "ann")
    plan = approved(conn, platform, upload)
    assert plan.max_micros == (NUMBERS - trestle) * 15_000
    run_batch(platform, batch, plan.plan_id)
    assert asked(sandbox, "twilio_lookup") == twilio
    assert asked(sandbox, "trestle") == NUMBERS
    # Without it nothing of the old plan comes up again.
    change_settings(conn, "steps.line_statuses.holdout_percent", "0", "ann")
    assert make_plan(conn, upload.upload_id, load_settings(conn), platform).due == 0


def test_f04_all_steps_of_a_run_spend_under_one_cap(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    switch_on(conn, *PHONE_STEPS)
    change_settings(conn, "spending.run_cap_usd", "0.5", "ann")
    plan = approved(conn, platform, upload)
    reports = run_batch(platform, upload.batches[0].batch_id, plan.plan_id)
    assert 0 < reports.spent_micros <= 500_000
    assert reports.left_due["cap_reached"] > 0
    budgets = conn.execute(
        "SELECT cap_micros, spent_micros, reserved_micros FROM ledger.budgets WHERE scope = 'run'"
    ).fetchall()
    assert budgets == [(500_000, reports.spent_micros, 0)]
    assert not finish_plan(conn, plan.plan_id, platform.secret_key)


def test_steps_that_do_not_wait_for_each_other_overlap(
    conn: Connection, platform: Platform, upload: UploadReport, sandbox: SandboxProcess
) -> None:
    switch_on(conn, *PHONE_STEPS)
    plan = approved(conn, platform, upload)
    run_batch(platform, upload.batches[0].batch_id, plan.plan_id)
    overlapping = conn.execute(
        "SELECT count(*) FROM ledger.runs a JOIN ledger.runs b ON a.run_id < b.run_id"
        " WHERE a.started_at < b.finished_at AND b.started_at < a.finished_at"
    ).fetchone()
    assert overlapping == (6,)


def test_what_answers_lead_to_is_asked_in_the_same_run_and_counts_as_due(
    conn: Connection, platform: Platform, upload: UploadReport, sandbox: SandboxProcess
) -> None:
    switch_on(conn, "reverse_phones", "geocodes")
    change_settings(conn, "steps.phone_lookups.enabled", "false", "ann")
    plan = approved(conn, platform, upload)
    told = by_step(plan)
    assert (told["geocodes"]["due"], told["reverse_phones"]["due"]) == (0, NUMBERS)
    assert 0 < told["geocodes"]["expected"] <= NUMBERS
    batch = upload.batches[0].batch_id
    report = asyncio.run(run_step_of_batch(platform, batch, plan.plan_id, "reverse_phones"))
    assert report.complete
    # Nothing known is due; what the owners' addresses lead to is.
    conn.execute("UPDATE intake.batches SET state = 'enriching'")
    conn.execute("UPDATE intake.batches SET state = 'published', published_at = now()")
    assert not finish_plan(conn, plan.plan_id, platform.secret_key)
    addresses = due_in_plan(conn, plan.plan_id, platform.secret_key)
    assert 0 < addresses <= NUMBERS
    assert asked(sandbox, "census") == 0
    reports = run_batch(platform, batch, plan.plan_id)
    assert reports.by_step["reverse_phones"].requests == 0
    assert asked(sandbox, "census") == 1  # one request for all of them
    assert reports.complete
    assert finish_plan(conn, plan.plan_id, platform.secret_key)
