"""The graph as the Dagster UI shows it: everything is described, owned, checked and switched on."""

from __future__ import annotations

import dagster as dg
import pytest

from bulk_lookup_dagster.definitions import build_defs


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs("local", timezone="America/New_York")


def test_every_asset_says_what_a_row_is_who_owns_it_and_how_it_is_made(
    defs: dg.Definitions,
) -> None:
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    ours = {
        *("uploads", "subjects", "rejects", "upload_contacts", "ledger_plans", "contacts"),
        *("phone_lookups", "ledger_claims", "ledger_requests", "quarantine", "batches"),
        *("contact_status", "dim_contacts", "dashboard_stats"),
    }
    assert ours <= set(specs)
    made = {name: spec for name, spec in specs.items() if spec.group_name != "default"}
    assert [name for name, spec in made.items() if not spec.description] == []
    assert [name for name, spec in made.items() if not spec.owners] == []
    assert [name for name, spec in made.items() if not spec.kinds] == []
    assert ours <= set(made)


def test_blocking_checks_stand_between_the_stages(defs: dg.Definitions) -> None:
    checks = {
        (spec.asset_key.to_user_string(), spec.name): spec.blocking
        for checked in defs.asset_checks or ()
        for spec in checked.check_specs
    }
    assert checks == checks | {
        ("contacts", "contacts_schema"): True,
        ("contacts", "contacts_expectations"): False,  # a bad file is shown, not held back
        ("phone_lookups", "phone_lookups_schema"): True,
        ("phone_lookups", "phone_lookups_expectations"): True,
    }


def test_every_sensor_and_schedule_runs_from_the_first_start(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    sensors = {one.name: one.default_status for one in repository.sensor_defs}
    assert set(sensors) == {
        *("uploads_sensor", "approvals_sensor", "marts_sensor", "run_failures_sensor"),
    }
    assert set(sensors.values()) == {dg.DefaultSensorStatus.RUNNING}
    schedules = repository.schedule_defs
    assert {one.default_status for one in schedules} == {dg.DefaultScheduleStatus.RUNNING}
    assert {one.execution_timezone for one in schedules} == {"America/New_York"}
    assert {one.job_name for one in schedules} == {"nightly_enrichment", "maintenance"}


def test_the_definitions_load_as_a_whole(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)
