"""The step `broadband_coverage`: bought only about addresses that are sure enough."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.places import address_for
from bulk_lookup_dagster.services.approvals import approve_plan
from bulk_lookup_dagster.services.derivations.contacts import address_key
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import Plan, make_plan
from bulk_lookup_dagster.services.runs import run_batch
from bulk_lookup_dagster.services.settings import change_settings, load_settings
from bulk_lookup_dagster.services.steps.broadband_coverage import BROADBAND_COVERAGE
from bulk_lookup_dagster.services.uploads import UploadReport, load_upload
from tests.fakes.many_steps import sandboxed, switch_on
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.steps import add_subjects

Connection = psycopg.Connection[Any]
STEP, SETTING = "broadband_coverage", "steps.broadband_coverage.confidence_floor"
GIVEN, OF_COMPANIES = 6, 4
PRICE = 50_000
_LINK = """
    INSERT INTO intake.contact_subjects (contact_id, kind, subject_id, role)
    SELECT contact_id, 'address', %s, 'company_profile' FROM intake.contacts WHERE name = %s
"""
_ASKED = "SELECT DISTINCT subject_id FROM ledger.claims WHERE provider = 'verizon'"
_CONFIDENCES = "SELECT subject_id, confidence FROM enrichment.address_confidences"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox("--faults", "none") as process:
        yield process


@pytest.fixture
def platform(dsn: str, tmp_path: Path, sandbox: SandboxProcess, conn: Connection) -> Platform:
    switch_on(conn, STEP)
    change_settings(conn, "steps.phone_lookups.enabled", "false", "me")
    prices = '{"fwa_qualification": "0.05"}'
    change_settings(conn, "providers.verizon.price_overrides_usd", prices, "me")
    change_settings(conn, "providers.verizon.requests_per_second", "1000", "me")
    platform = sandboxed(dsn, tmp_path / "home", sandbox)
    platform.environment.home.mkdir()
    return platform


@pytest.fixture
def upload(platform: Platform, conn: Connection, tmp_path: Path) -> UploadReport:
    """Contacts with an address of their own (80 of 100), and such as have their company's (60)."""
    rows = ["phone,name,street,unit,city,state,zip"]
    for n in range(GIVEN + OF_COMPANIES):
        one = address_for(f"broadband {n}")
        place = f"{one.street},,{one.city},{one.state},{one.postal_code}"
        rows.append(f"+1415223{n:04d},Ada {n},{place if n < GIVEN else ',,,,'}")
    path = tmp_path / "leads.csv"
    path.write_text("\n".join(rows) + "\n")
    loaded = load_upload(platform.dsn, platform.secret_key, path)
    for n in range(GIVEN, GIVEN + OF_COMPANIES):
        one = address_for(f"broadband {n}")
        value = address_key(one.street, one.city, one.state, one.postal_code, "us")
        (subject,) = add_subjects(conn, "address", [value or ""])
        conn.execute(_LINK, (subject, f"Ada {n}"))
    return loaded


def planned(conn: Connection, platform: Platform, upload: UploadReport) -> Plan:
    return make_plan(conn, upload.upload_id, load_settings(conn), platform)


def coverage(plan: Plan) -> dict[str, Any]:
    (told,) = [one for one in plan.estimate["steps"] if one["step"] == STEP]
    return dict(told)


def subjects(conn: Connection) -> set[int]:
    return {row[0] for row in conn.execute(_ASKED).fetchall()}


def test_only_sure_addresses_are_bought_and_a_lower_bar_buys_exactly_the_rest(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    plan = planned(conn, platform, upload)
    told = coverage(plan)
    assert (told["due"], told["skipped"]) == (GIVEN, OF_COMPANIES)
    assert told["skipped_because"] == f"address confidence below 70: settings {SETTING}"
    assert plan.max_micros == GIVEN * PRICE
    approve_plan(conn, plan.plan_id, actor="ann")
    batch = upload.batches[0].batch_id
    # What an approval fixed does not follow the settings.
    change_settings(conn, SETTING, "60", "ann")
    first = run_batch(platform, batch, plan.plan_id).by_step[STEP]
    assert (first.accepted, first.skipped) == (GIVEN, OF_COMPANIES)
    assert first.skipped_because == told["skipped_because"]
    sure = subjects(conn)
    assert len(sure) == GIVEN

    rest = planned(conn, platform, upload)
    told = coverage(rest)
    assert (told["due"], told["skipped"], told["skipped_because"]) == (OF_COMPANIES, 0, "")
    assert rest.max_micros == OF_COMPANIES * PRICE
    approve_plan(conn, rest.plan_id, actor="ann")
    second = run_batch(platform, batch, rest.plan_id).by_step[STEP]
    assert (second.due, second.skipped) == (OF_COMPANIES, 0)
    assert len(subjects(conn) - sure) == OF_COMPANIES
    change_settings(conn, SETTING, "0", "ann")
    assert planned(conn, platform, upload).due == 0


def test_validations_of_the_same_plan_decide_first_and_its_cap_covers_whom_they_make_sure(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    switch_on(conn, "addresses")
    change_settings(conn, "providers.google_address.requests_per_second", "1000", "me")
    plan = planned(conn, platform, upload)
    told = coverage(plan)
    assert (told["due"], told["skipped"]) == (GIVEN, OF_COMPANIES)
    assert told["max_micros"] == (GIVEN + OF_COMPANIES) * PRICE
    approve_plan(conn, plan.plan_id, actor="ann")
    report = run_batch(platform, upload.batches[0].batch_id, plan.plan_id).by_step[STEP]
    sure = {subject for subject, figure in conn.execute(_CONFIDENCES).fetchall() if figure >= 70}
    assert subjects(conn) == sure
    assert not report.left_due
    assert report.skipped == GIVEN + OF_COMPANIES - len(sure)
    assert "addresses" in BROADBAND_COVERAGE.waits_for


def test_a_verdict_that_kept_an_address_back_still_does_when_it_has_run_out(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    """Expiry never buys."""
    switch_on(conn, "addresses")
    change_settings(conn, f"steps.{STEP}.enabled", "false", "me")
    plan = planned(conn, platform, upload)
    approve_plan(conn, plan.plan_id, actor="ann")
    run_batch(platform, upload.batches[0].batch_id, plan.plan_id)
    conn.execute("UPDATE enrichment.addresses SET confidence = 10")
    change_settings(conn, f"steps.{STEP}.enabled", "true", "me")
    assert coverage(planned(conn, platform, upload))["due"] == 0
    conn.execute("UPDATE enrichment.addresses SET expires_at = fetched_at")
    told = coverage(planned(conn, platform, upload))
    assert (told["due"], told["skipped"]) == (0, GIVEN + OF_COMPANIES)


def test_a_plan_of_before_the_setting_keeps_to_its_default(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    plan = planned(conn, platform, upload)
    conn.execute(
        "UPDATE ledger.plans SET scope = scope #- %s",
        (["steps", STEP, "confidence_floor"],),
    )
    approve_plan(conn, plan.plan_id, actor="ann")
    change_settings(conn, SETTING, "0", "ann")
    run_batch(platform, upload.batches[0].batch_id, plan.plan_id)
    assert len(subjects(conn)) == GIVEN


def test_the_setting_is_a_figure_from_0_to_100(conn: Connection, platform: Platform) -> None:
    for value in ("101", "-1", '"sure"'):
        with pytest.raises(InputError):
            change_settings(conn, SETTING, value, "me")
