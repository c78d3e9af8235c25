"""Discovery in Dagster: the sensor asks for each request once, the asset's checks look at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import dagster as dg
import psycopg
import pytest

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.subjects import ZipcodeKey
from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.orchestration.vocabulary import (
    DISCOVERY_JOB,
    NIGHTLY_JOB,
    ZIPCODE_REQUESTS,
)
from bulk_lookup_dagster.services.approvals import approve_plan
from bulk_lookup_dagster.services.discovery_plans import plan_discovery
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.simulation import dagster_resources
from sensors.discovery import discovery_sensor
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_A_YEAR_ON = (
    "UPDATE enrichment.zipcode_business_ids SET checked_at = checked_at - interval '366 days'"
)
KEYS = [ZipcodeKey("85001", "dentist"), ZipcodeKey("85002")]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess) -> Platform:
    environ = {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(platform.environment.home),
        "GOOGLE_PLACES_BASE_URL": f"{sandbox.url}/google_places",
    }
    return replace(platform, environment=read_environment(environ))


def look(platform: Platform, instance: dg.DagsterInstance) -> Any:
    context = dg.build_sensor_context(instance=instance, resources={"platform": platform})
    return discovery_sensor(30)(context)


def test_each_request_of_an_approved_plan_runs_once_with_its_checks(
    connected: Platform, conn: psycopg.Connection[Any]
) -> None:
    plan = plan_discovery(conn, connected, KEYS, 60)
    defs = build_defs("demo", overrides=dagster_resources(connected))
    with dg.DagsterInstance.ephemeral() as instance:
        assert isinstance(look(connected, instance), dg.SkipReason)
        approve_plan(conn, plan.plan_id, actor="me")
        asked = look(connected, instance)
        keys = [request.partition_key for request in asked.run_requests]
        assert sorted(keys) == ["85001-dentist", "85002-any"]
        (added,) = asked.dynamic_partitions_requests
        assert sorted(added.partition_keys) == sorted(keys)
        instance.add_dynamic_partitions(str(ZIPCODE_REQUESTS.name), keys)
        job = defs.resolve_job_def(DISCOVERY_JOB)
        for key in keys:
            done = job.execute_in_process(instance=instance, partition_key=key)
            assert done.success
            checks = done.get_asset_check_evaluations()
            assert {check.check_name for check in checks if check.passed} == {
                *("zipcode_businesses_schema", "zipcode_businesses_expectations")
            }
            (made,) = done.get_asset_materialization_events()
            assert made.materialization.metadata["calls"].value in (1, 2)
            told = [str(one.value) for one in made.materialization.metadata.values()]
            assert not any(key[:5] in text for text in told)
        assert isinstance(look(connected, instance), dg.SkipReason)


def test_ids_of_a_years_age_are_refreshed_by_their_asset_and_by_night(
    connected: Platform, conn: psycopg.Connection[Any]
) -> None:
    plan = plan_discovery(conn, connected, KEYS[:1], 20)
    approve_plan(conn, plan.plan_id, actor="me")
    alone = dg.define_asset_job("alone", selection="business_ids")
    ours = build_defs("demo", overrides=dagster_resources(connected))
    defs = dg.Definitions.merge(ours, dg.Definitions(jobs=[alone]))
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(ZIPCODE_REQUESTS.name), ["85001-dentist"])
        job = defs.resolve_job_def(DISCOVERY_JOB)
        assert job.execute_in_process(instance=instance, partition_key="85001-dentist").success
        conn.execute(_A_YEAR_ON)
        done = defs.resolve_job_def("alone").execute_in_process(instance=instance)
        (made,) = done.get_asset_materialization_events()
        told = {name: one.value for name, one in made.materialization.metadata.items()}
        assert told["due"] == told["calls"] == told["confirmed"]
        assert told["due"]
        checks = done.get_asset_check_evaluations()
        assert {check.check_name for check in checks if check.passed} == {
            *("business_ids_schema", "business_ids_expectations")
        }
        conn.execute(_A_YEAR_ON)
        conn.execute(
            "UPDATE ledger.claims SET claimed_at = claimed_at - interval '366 days',"
            " settled_at = settled_at - interval '366 days'"
        )
        conn.execute(
            "UPDATE enrichment.business_ids SET fetched_at = fetched_at - interval '366 days'"
        )
        night = defs.resolve_job_def(NIGHTLY_JOB).execute_in_process(instance=instance)
        events = night.filter_events(lambda one: one.is_step_materialization)
        assert "business_ids" in {one.asset_key.to_user_string() for one in events if one.asset_key}
