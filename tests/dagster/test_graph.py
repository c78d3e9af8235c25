"""The graph as the Dagster UI shows it: everything is described, owned, checked and switched on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from bulk_lookup_dagster.core.settings import ScheduleSettings
from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.orchestration.executors import batch_execution
from bulk_lookup_dagster.orchestration.vocabulary import ENRICH_JOB
from bulk_lookup_dagster.services.clock import stored_schedules
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.steps import BATCH_STEPS, STEPS, step_named
from bulk_lookup_dagster.storage.tables import METADATA


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
        *("match_keys", "match_pairs", "match_clusters", "golden_contacts", "quality_scores"),
        *("contact_status", "dim_contacts", "dashboard_stats", "exports", "deactivations"),
        "trust_hub_profiles",
        "zipcode_businesses",
        "reverse_geocodes",
        *("fcc_releases", "business_ids"),
    }
    assert ours <= set(specs)
    made = {name: spec for name, spec in specs.items() if spec.group_name != "default"}
    assert [name for name, spec in made.items() if not spec.description] == []
    assert [name for name, spec in made.items() if not spec.owners] == []
    assert [name for name, spec in made.items() if not spec.kinds] == []
    assert ours <= set(made)


def test_every_step_is_an_asset_with_its_table_and_stands_before_publishing(
    defs: dg.Definitions,
) -> None:
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    deps = {
        name: {dep.asset_key.to_user_string() for dep in one.deps} for name, one in specs.items()
    }
    assert {f"enrichment.{step.name}" for step in STEPS} <= set(METADATA.tables)
    for step in BATCH_STEPS:
        assert {"contacts", *step_named(step).waits_for} <= deps[step]
        assert step in deps["batches"]
    assert "fcc_releases" in deps["broadband_coverage"], "joined by block"
    job = defs.resolve_job_def(ENRICH_JOB)
    assert set(BATCH_STEPS) <= {
        key.to_user_string() for key in job.asset_layer.executable_asset_keys
    }


def test_blocking_checks_stand_between_the_stages(defs: dg.Definitions) -> None:
    checks = {
        (spec.asset_key.to_user_string(), spec.name): spec.blocking
        for checked in defs.asset_checks or ()
        for spec in checked.check_specs
    }
    every = {
        (step, f"{step}_{kind}"): True
        for step in BATCH_STEPS
        for kind in ("schema", "expectations", "history")
    }
    assert checks == checks | every | {
        ("zipcode_businesses", "zipcode_businesses_schema"): True,
        ("zipcode_businesses", "zipcode_businesses_expectations"): False,
        ("reverse_geocodes", "reverse_geocodes_schema"): True,
        ("reverse_geocodes", "reverse_geocodes_expectations"): False,
        ("contacts", "contacts_schema"): True,
        ("contacts", "contacts_expectations"): False,  # a bad file is shown, not held back
        ("contacts", "contacts_history"): True,  # but warns unless the settings say otherwise
        ("phone_lookups", "phone_lookups_schema"): True,
        ("phone_lookups", "phone_lookups_expectations"): True,
        ("phone_lookups", "phone_lookups_history"): True,
        ("trust_hub_profiles", "trust_hub_profiles_schema"): True,
        ("trust_hub_profiles", "trust_hub_profiles_expectations"): False,
        ("business_ids", "business_ids_schema"): True,
        ("business_ids", "business_ids_expectations"): False,
    }


def test_every_sensor_and_schedule_runs_from_the_first_start(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    sensors = {one.name: one.default_status for one in repository.sensor_defs}
    assert set(sensors) == {
        *("uploads_sensor", "approvals_sensor", "discovery_sensor", "marts_sensor"),
        "run_failures_sensor",
    }
    assert set(sensors.values()) == {dg.DefaultSensorStatus.RUNNING}
    schedules = repository.schedule_defs
    assert {one.default_status for one in schedules} == {dg.DefaultScheduleStatus.RUNNING}
    assert {one.execution_timezone for one in schedules} == {"America/New_York"}
    jobs = {"nightly_enrichment", "maintenance", "write_exports", "fetch_deactivations"}
    jobs |= {"read_trust_hub", "import_fcc_releases"}
    assert {one.job_name for one in schedules} == jobs


def test_the_definitions_load_as_a_whole(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_f56_schedules_and_intervals_are_those_of_the_settings(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    environ = {"BULK_LOOKUP_HOME": str(tmp_path), "DATABASE_URL": dsn}
    assert stored_schedules(environ) == ScheduleSettings()
    change_settings(conn, "schedules.nightly_cron", "5 4 * * 1-5", "me")
    change_settings(conn, "schedules.upload_sensor_s", "60", "me")
    repository = build_defs("local", clock=stored_schedules(environ)).get_repository_def()
    assert repository.get_schedule_def("nightly_enrichment_schedule").cron_schedule == "5 4 * * 1-5"
    assert repository.get_sensor_def("uploads_sensor").minimum_interval_seconds == 60
    assert repository.get_sensor_def("marts_sensor").minimum_interval_seconds == 30


@pytest.mark.parametrize("environ", [{}, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}])
def test_definitions_load_without_a_database(tmp_path: Path, environ: dict[str, str]) -> None:
    home = {"BULK_LOOKUP_HOME": str(tmp_path / "none")}
    assert stored_schedules({**home, **environ}) == ScheduleSettings()


@pytest.mark.parametrize("rows, how", [(100, "in_process"), (25_000, "multiprocess")])
def test_steps_of_a_big_batch_run_side_by_side(defs: dg.Definitions, rows: int, how: str) -> None:
    config = batch_execution(rows)
    assert list(config["execution"]["config"]) == [how]
    assert dg.validate_run_config(defs.resolve_job_def(ENRICH_JOB), config)
