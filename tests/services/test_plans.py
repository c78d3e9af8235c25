"""Plans, approvals and runs over a real upload, a real database and a vendor in memory."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError, NoPrice
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.engine.runner import run_step
from bulk_lookup_dagster.services.approvals import approve_automatically, approve_plan
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import Plan, make_plan
from bulk_lookup_dagster.services.publishing import finish_plan, publish_batch, start_batch
from bulk_lookup_dagster.services.refresh import plan_refresh
from bulk_lookup_dagster.services.runs import due_in_plan
from bulk_lookup_dagster.services.settings import change_settings, load_settings
from bulk_lookup_dagster.services.step_runs import run_options
from bulk_lookup_dagster.services.steps.phone_lookups import PHONE_LOOKUPS
from bulk_lookup_dagster.services.steps.scopes import upload_scope
from bulk_lookup_dagster.services.steps.selection import wanted_offers
from bulk_lookup_dagster.services.uploads import UploadReport, load_upload
from tests.fakes.provider import FakeProvider
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]
NUMBERS = ("415-220-0101", "+44 20 7946 0018", "(212) 555-2368", "415 220 0101", "12")


@pytest.fixture
def platform(dsn: str, tmp_path: Path) -> Platform:
    return platform_of(dsn, tmp_path, TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN="token")


@pytest.fixture
def upload(platform: Platform, tmp_path: Path) -> UploadReport:
    path = tmp_path / "leads.csv"
    rows = "\n".join(f"{number},Firm {place}" for place, number in enumerate(NUMBERS))
    path.write_text(f"phone,company\n{rows}\n")
    return load_upload(platform.dsn, platform.secret_key, path)


def plan_for(conn: Connection, platform: Platform, upload: UploadReport) -> Plan:
    return make_plan(conn, upload.upload_id, load_settings(conn), platform)


def run(platform: Platform, upload: UploadReport, plan: Plan, provider: FakeProvider) -> RunReport:
    return asyncio.run(
        run_step(
            platform.dsn,
            PHONE_LOOKUPS.as_step(wanted_offers(PHONE_LOOKUPS, Settings()), "upload"),
            upload_scope(upload.upload_id),
            {provider.name: provider},
            plan_id=plan.plan_id,
            run=run_options(platform, Settings(), "phone_lookups", kind="batch"),
        )
    )


def test_a_plan_counts_numbers_not_rows_and_calls_nobody(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    plan = plan_for(conn, platform, upload)
    assert plan.state == "waiting_approval"
    numbers = upload.contact_count - plan.estimate["duplicates"]
    assert plan.estimate["duplicates"] == 1
    assert plan.due == 2 * numbers
    assert plan.max_micros == numbers * 18_000
    lines = {line["operation"]: line for line in plan.estimate["lines"]}
    assert lines["line_type_intelligence"]["due"] == numbers
    assert "requests/s" in plan.estimate["slowest_limit"]
    assert conn.execute("SELECT count(*) FROM ledger.claims").fetchone() == (0,)


def test_f02_after_the_run_the_same_plan_is_worth_nothing(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    plan = plan_for(conn, platform, upload)
    approve_plan(conn, plan.plan_id, actor="ann")
    provider = FakeProvider()
    report = run(platform, upload, plan, provider)
    assert report.complete
    assert due_in_plan(conn, plan.plan_id, platform.secret_key) == 0
    # A batch still waits for its checks.
    assert not finish_plan(conn, plan.plan_id, platform.secret_key)
    conn.execute("UPDATE intake.batches SET state = 'enriching'")
    conn.execute("UPDATE intake.batches SET state = 'published', published_at = now()")
    assert finish_plan(conn, plan.plan_id, platform.secret_key)
    again = plan_for(conn, platform, upload)
    assert (again.due, again.max_micros, again.state) == (0, 0, "done")
    assert all(line["cached"] == report.due // 2 for line in again.estimate["lines"])


def test_f03_a_package_without_a_price_is_refused_until_one_is_set(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    change_settings(conn, "providers.twilio_lookup.packages", '["sms_pumping_risk"]', "ann")
    with pytest.raises(NoPrice, match="price_overrides_usd"):
        plan_for(conn, platform, upload)
    assert conn.execute("SELECT count(*) FROM ledger.plans").fetchone() == (0,)
    path = "providers.twilio_lookup.price_overrides_usd.sms_pumping_risk"
    change_settings(conn, path, "0.025", "ann")
    assert plan_for(conn, platform, upload).max_micros == 3 * 25_000


def test_the_policy_approves_only_what_it_covers(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    change_settings(conn, "spending.auto_approve_usd", "0.01", "ann")
    plan = plan_for(conn, platform, upload)
    assert not approve_automatically(conn, plan, platform.environment, load_settings(conn))
    change_settings(conn, "spending.auto_approve_usd", "1", "ann")
    assert approve_automatically(conn, plan, platform.environment, load_settings(conn))
    row = conn.execute(
        "SELECT state, approved_by, cap_micros, expires_at - approved_at FROM ledger.plans"
    ).fetchone()
    assert row == ("approved", "policy: AUTO_APPROVE_USD", plan.max_micros, timedelta(days=7))


def test_a_newer_plan_replaces_one_that_was_not_approved(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    first, second = (plan_for(conn, platform, upload) for _ in range(2))
    states = dict(conn.execute("SELECT plan_id, state FROM ledger.plans").fetchall())
    assert states == {first.plan_id: "superseded", second.plan_id: "waiting_approval"}
    with pytest.raises(InputError, match="superseded"):
        approve_plan(conn, first.plan_id, actor="ann")


def test_f04_an_approval_with_a_cap_of_ones_own_holds(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    plan = plan_for(conn, platform, upload)
    approve_plan(conn, plan.plan_id, actor="ann", cap_micros=18_000)
    provider = FakeProvider()
    report = run(platform, upload, plan, provider)
    assert report.spent_micros == 18_000
    assert report.left_due["cap_reached"] > 0
    assert not finish_plan(conn, plan.plan_id, platform.secret_key)


def test_a_refresh_buys_again_only_what_is_older_and_only_once(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    plan = plan_for(conn, platform, upload)
    approve_plan(conn, plan.plan_id, actor="ann")
    provider = FakeProvider()
    run(platform, upload, plan, provider)
    later = datetime.now(UTC) + timedelta(seconds=1)
    refresh = plan_refresh(platform, upload.upload_id, ["line_type_intelligence"], later)
    assert refresh.due == 3
    approve_plan(conn, refresh.plan_id, actor="ann")
    report = run(platform, upload, refresh, provider)
    assert report.requests == 3
    assert run(platform, upload, refresh, provider).requests == 0


def test_publishing_marks_the_marts_once(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    batch_id = upload.batches[0].batch_id
    start_batch(conn, batch_id)
    assert publish_batch(conn, batch_id)
    assert not publish_batch(conn, batch_id)
    assert conn.execute("SELECT count(*) FROM ops.mart_dirty").fetchone() == (1,)
    noted = "SELECT DISTINCT entity_id FROM ops.mart_changes WHERE entity = 'batch'"
    assert conn.execute(noted).fetchall() == [(batch_id,)]


@pytest.mark.parametrize(
    "path",
    [
        "nope",
        "providers.nope.x",
        "providers.twilio_lookup.nope",
        "providers.twilio_lookup.enabled.x",
    ],
)
def test_an_unknown_setting_is_refused(conn: Connection, path: str) -> None:
    with pytest.raises(InputError):
        change_settings(conn, path, "1", "ann")


def test_a_value_out_of_bounds_is_refused_and_the_old_one_stays(conn: Connection) -> None:
    with pytest.raises(InputError, match="concurrency"):
        change_settings(conn, "providers.twilio_lookup.concurrency", "0", "ann")
    assert load_settings(conn) == Settings()
