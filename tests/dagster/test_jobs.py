"""The jobs the sensors run, in process, over a real database and the sandbox's real socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.intake.sample import write_sample
from bulk_lookup_dagster.orchestration.vocabulary import (
    ENRICH_JOB,
    INTAKE_JOB,
    MAINTENANCE_JOB,
    NIGHTLY_JOB,
)
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.steps import BATCH_STEPS, step_named
from resources.twilio_lookup import TwilioLookupResource
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def platform(dsn: str, tmp_path: Path, sandbox: SandboxProcess) -> Platform:
    return platform_of(
        dsn,
        tmp_path / "home",
        TWILIO_ACCOUNT_SID="AC1",
        TWILIO_AUTH_TOKEN="token",
        TWILIO_LOOKUP_BASE_URL=sandbox.url,
    )


@pytest.fixture
def defs(platform: Platform, sandbox: SandboxProcess) -> dg.Definitions:
    platform.environment.home.mkdir(exist_ok=True)
    twilio = TwilioLookupResource(account_sid="AC1", auth_token="sandbox", base_url=sandbox.url)
    return build_defs("demo", overrides={"platform": platform, "twilio_lookup": twilio})


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def take_in(
    defs: dg.Definitions, instance: dg.DagsterInstance, path: Path, rows: int = 200
) -> list[str]:
    write_sample(path, rows=rows)
    result = defs.resolve_job_def(INTAKE_JOB).execute_in_process(
        instance=instance,
        run_config={"ops": {"intake": {"config": {"uri": path.as_uri()}}}},
    )
    assert result.success
    return list(instance.get_dynamic_partitions("upload_batch"))


def enrich(
    defs: dg.Definitions, instance: dg.DagsterInstance, key: str, *, raises: bool = True
) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(ENRICH_JOB).execute_in_process(
        instance=instance, partition_key=key, raise_on_error=raises
    )


def test_f02_a_file_becomes_published_look_ups_and_a_second_round_buys_nothing(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    conn: Connection,
    sandbox: SandboxProcess,
    tmp_path: Path,
) -> None:
    change_settings(conn, "intake.batch_rows", "100", "test")
    keys = take_in(defs, instance, tmp_path / "leads.csv")
    assert len(keys) == 2
    for key in keys:
        result = enrich(defs, instance, key)
        checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
        assert checks == {
            f"{asset}_{kind}": True
            for asset in ("contacts", *BATCH_STEPS)
            for kind in ("schema", "expectations", "history")
        } | {"largest_cluster": True, "merged_share": True, "merged_shift": True}
    states = conn.execute("SELECT DISTINCT state FROM intake.batches").fetchall()
    assert states == [("published",)]
    scored = conn.execute(
        "SELECT count(*), (SELECT count(DISTINCT golden_id) FROM matching.current_members)"
        " FROM matching.quality_scores"
    ).fetchall()
    assert scored[0][0] == scored[0][1] > 0
    summary = sandbox.control("GET", "summary")
    numbers = conn.execute("SELECT count(*) FROM intake.subjects").fetchone()
    assert (summary["requests"],) == numbers
    assert summary["paid_twice"] == 0

    take_in(defs, instance, tmp_path / "again.csv")
    for key in keys:
        assert enrich(defs, instance, key).success
    assert sandbox.control("GET", "summary")["requests"] == summary["requests"]


def test_a_run_keeps_to_the_limits_the_account_tells(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    conn: Connection,
    sandbox: SandboxProcess,
    tmp_path: Path,
) -> None:
    sandbox.control("PUT", "limits", {"caller_name": 40})
    (key,) = take_in(defs, instance, tmp_path / "leads.csv", rows=5)
    assert enrich(defs, instance, key).success
    rates = conn.execute("SELECT summary -> 'rates' ->> 'twilio_lookup' FROM ledger.runs")
    assert rates.fetchone() == ("40.0",)


def test_without_approval_nothing_is_bought_and_the_run_says_what_to_do(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    conn: Connection,
    sandbox: SandboxProcess,
    tmp_path: Path,
) -> None:
    change_settings(conn, "spending.auto_approve_usd", "0", "test")
    (key,) = take_in(defs, instance, tmp_path / "leads.csv", rows=50)
    result = enrich(defs, instance, key, raises=False)
    assert not result.success
    failures = [event for event in result.all_node_events if event.is_step_failure]
    first = {name for name in BATCH_STEPS if not step_named(name).waits_for}
    assert {event.step_key for event in failures} == first  # the others wait for them
    for failure in failures:
        assert "bulk-lookup approve" in str(failure.step_failure_data.user_failure_data)
    assert sandbox.control("GET", "summary")["requests"] == 0
    assert conn.execute("SELECT state FROM intake.batches").fetchone() == ("enriching",)


def test_a_batch_whose_check_fails_stays_out_of_the_marts(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    conn: Connection,
    sandbox: SandboxProcess,
    tmp_path: Path,
) -> None:
    change_settings(conn, "providers.twilio_lookup.breaker.failures", "1000", "test")
    (key,) = take_in(defs, instance, tmp_path / "leads.csv", rows=50)
    sandbox.control("PUT", "faults", {"rates": {"html": 1.0}})
    result = enrich(defs, instance, key, raises=False)
    assert not result.success
    assert conn.execute("SELECT state FROM intake.batches").fetchone() == ("blocked",)
    assert conn.execute("SELECT count(*) FROM ops.mart_dirty").fetchone() == (0,)


def test_a_refused_file_says_why_and_leaves_no_partition(
    defs: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("")
    result = defs.resolve_job_def(INTAKE_JOB).execute_in_process(
        instance=instance,
        run_config={"ops": {"intake": {"config": {"uri": path.as_uri()}}}},
        raise_on_error=False,
    )
    assert not result.success
    assert instance.get_dynamic_partitions("upload_batch") == []


def materialised(result: dg.ExecuteInProcessResult, asset: str) -> set[str | None]:
    return {
        event.partition
        for event in result.all_events
        if event.is_step_materialization and event.asset_key == dg.AssetKey(asset)
    }


def test_the_nightly_run_picks_up_what_came_due_in_one_run(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    conn: Connection,
    sandbox: SandboxProcess,
    tmp_path: Path,
) -> None:
    change_settings(conn, "intake.batch_rows", "100", "test")
    keys = take_in(defs, instance, tmp_path / "leads.csv")
    result = defs.resolve_job_def(NIGHTLY_JOB).execute_in_process(instance=instance)
    assert result.success
    assert materialised(result, "phone_lookups") == set(keys)
    assert not materialised(result, "batches")  # nobody checked these batches yet
    states = conn.execute("SELECT DISTINCT state FROM intake.batches").fetchall()
    assert states == [("created",)]
    calls = sandbox.control("GET", "summary")["requests"]
    again = defs.resolve_job_def(NIGHTLY_JOB).execute_in_process(instance=instance)
    assert again.success
    for key in keys:
        assert enrich(defs, instance, key).success
    states = conn.execute("SELECT DISTINCT state FROM intake.batches").fetchall()
    assert states == [("published",)]
    assert conn.execute("SELECT state FROM ledger.plans").fetchall() == [("done",)]
    assert sandbox.control("GET", "summary")["requests"] == calls


def test_the_nightly_run_shows_new_answers_of_published_batches(
    defs: dg.Definitions, instance: dg.DagsterInstance, conn: Connection, tmp_path: Path
) -> None:
    (key,) = take_in(defs, instance, tmp_path / "leads.csv", rows=30)
    assert enrich(defs, instance, key).success
    change_settings(conn, "steps.phone_lookups.refresh_policy_days", "1", "test")
    conn.execute(
        "UPDATE ledger.claims SET claimed_at = claimed_at - interval '2 days',"
        " settled_at = settled_at - interval '2 days'"
    )
    before = conn.execute("SELECT max(built_at), count(*) FROM matching.golden_contacts").fetchone()
    assert before is not None
    result = defs.resolve_job_def(NIGHTLY_JOB).execute_in_process(instance=instance)
    assert result.success
    after = conn.execute(
        "SELECT count(*) FILTER (WHERE built_at > %s), count(*) FROM matching.golden_contacts",
        (before[0],),
    ).fetchone()
    assert after is not None
    assert after[0] > 0, "golden contacts know the new answers"
    assert after[1] == before[1]
    assert materialised(result, "batches") == {key}
    assert conn.execute("SELECT state FROM intake.batches").fetchone() == ("published",)


def test_maintenance_expires_approvals(
    defs: dg.Definitions, instance: dg.DagsterInstance, conn: Connection, tmp_path: Path
) -> None:
    take_in(defs, instance, tmp_path / "leads.csv", rows=20)
    conn.execute(
        "UPDATE ledger.plans SET approved_at = now() - interval '9 days',"
        " expires_at = now() - interval '2 days'"
    )
    result = defs.resolve_job_def(MAINTENANCE_JOB).execute_in_process(instance=instance)
    assert result.success
    assert conn.execute("SELECT state FROM ledger.plans").fetchone() == ("expired",)
