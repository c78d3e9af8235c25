"""The checks against history, run as Dagster runs them, over batches written by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from assets.intake import contacts_history_check
from assets.phone_lookups import CHECKS as STEP_CHECKS
from bulk_lookup_dagster.orchestration.vocabulary import UPLOAD_BATCHES
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import change_settings
from tests.fakes.history import add_batch
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]
CHECKS = {"contacts": contacts_history_check, "phone_lookups": STEP_CHECKS[-1]}


@dg.asset(partitions_def=UPLOAD_BATCHES)
def contacts() -> None: ...


@dg.asset(partitions_def=UPLOAD_BATCHES)
def phone_lookups() -> None: ...


@dg.asset(partitions_def=UPLOAD_BATCHES, deps=[contacts, phone_lookups])
def after() -> None: ...


@pytest.fixture
def platform(dsn: str, tmp_path: Path) -> Platform:
    return platform_of(dsn, tmp_path)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def checked(
    instance: dg.DagsterInstance, platform: Platform, asset: str, key: str
) -> tuple[dg.AssetCheckEvaluation, bool, dict[str, dict[str, Any]]]:
    """The evaluation, whether what depends on the asset ran, and the figures shown."""
    instance.add_dynamic_partitions(str(UPLOAD_BATCHES.name), [key])
    defs = dg.Definitions(
        assets=[contacts, phone_lookups, after],
        asset_checks=[CHECKS[asset]],
        jobs=[dg.define_asset_job("all", executor_def=dg.in_process_executor)],
        resources={"platform": dg.ResourceDefinition.hardcoded_resource(platform)},
    )
    result = defs.resolve_job_def("all").execute_in_process(
        instance=instance, partition_key=key, raise_on_error=False
    )
    (evaluation,) = result.get_asset_check_evaluations()
    ran = any(
        event.is_step_materialization and event.asset_key == dg.AssetKey("after")
        for event in result.all_events
    )
    table = evaluation.metadata["figures"]
    assert isinstance(table, dg.TableMetadataValue)
    return evaluation, ran, {str(row.data["figure"]): dict(row.data) for row in table.records}


def history(conn: Connection, batches: int = 6, **other: Any) -> None:
    for _ in range(batches):
        add_batch(conn, published=True, **other)


@pytest.mark.parametrize("asset", CHECKS)
def test_a_normal_batch_passes(
    asset: str, conn: Connection, platform: Platform, instance: dg.DagsterInstance
) -> None:
    history(conn)
    evaluation, ran, figures = checked(instance, platform, asset, add_batch(conn))
    assert evaluation.passed
    assert ran
    assert {row["verdict"] for row in figures.values()} == {"within"}
    assert len(figures) == 3


@pytest.mark.parametrize(
    "asset,drift,outside",
    [
        ("contacts", {"refused": 150}, {"refused rows"}),
        ("contacts", {"landlines": 180}, {"number type: MOBILE", "number type: FIXED_LINE"}),
        ("phone_lookups", {"unknown": 40}, {"unknown outcomes"}),
        ("phone_lookups", {"landlines": 180}, {"line type: mobile", "line type: landline"}),
    ],
)
def test_a_drifted_batch_fails_with_its_figures_and_only_warns(
    asset: str,
    drift: dict[str, Any],
    outside: set[str],
    conn: Connection,
    platform: Platform,
    instance: dg.DagsterInstance,
) -> None:
    history(conn)
    evaluation, ran, figures = checked(instance, platform, asset, add_batch(conn, **drift))
    assert not evaluation.passed
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert ran
    assert {name for name, row in figures.items() if row["verdict"] == "outside"} == outside
    assert str(evaluation.description).startswith("Unlike earlier batches: ")
    assert state_of_last(conn) == "enriching"


def test_the_figures_are_those_of_sql(
    conn: Connection, platform: Platform, instance: dg.DagsterInstance
) -> None:
    history(conn, 3, refused=0)
    history(conn, 3, refused=50)
    _, _, figures = checked(instance, platform, "contacts", add_batch(conn, refused=50))
    refused = figures["refused rows"]
    assert refused["share"] == pytest.approx(50 / 250)
    assert refused["history mean"] == pytest.approx(0.1)
    assert refused["allowed to"] == pytest.approx(0.2)
    assert (refused["rows"], refused["batches looked at"]) == (250, 6)


def test_blocking_is_a_setting(
    conn: Connection, platform: Platform, instance: dg.DagsterInstance
) -> None:
    change_settings(conn, "checks.history.blocks", "true", "test")
    history(conn)
    evaluation, ran, _ = checked(instance, platform, "contacts", add_batch(conn, refused=150))
    assert evaluation.severity == dg.AssetCheckSeverity.ERROR
    assert not ran
    assert state_of_last(conn) == "blocked"


@pytest.mark.parametrize("asset", CHECKS)
@pytest.mark.parametrize("batches", [0, 2])
def test_without_enough_history_it_passes_and_says_so(
    asset: str, batches: int, conn: Connection, platform: Platform, instance: dg.DagsterInstance
) -> None:
    history(conn, batches)
    key = add_batch(conn, refused=150, unknown=100, landlines=200)
    evaluation, ran, _ = checked(instance, platform, asset, key)
    assert evaluation.passed
    assert ran
    assert f"no history yet: {batches} of 5 batches" in str(evaluation.description)


@pytest.mark.parametrize("asset", CHECKS)
def test_f39_a_batch_without_rows_passes(
    asset: str, conn: Connection, platform: Platform, instance: dg.DagsterInstance
) -> None:
    history(conn)
    evaluation, _, figures = checked(instance, platform, asset, add_batch(conn, rows=0, refused=0))
    assert evaluation.passed
    assert {row["verdict"] for row in figures.values()} == {"no rows"}
    assert {row["share"] for row in figures.values()} == {0.0}


def test_f39_history_without_rows_is_no_history(
    conn: Connection, platform: Platform, instance: dg.DagsterInstance
) -> None:
    history(conn, rows=0, refused=0)
    evaluation, _, figures = checked(instance, platform, "phone_lookups", add_batch(conn))
    assert evaluation.passed
    assert {row["batches looked at"] for row in figures.values()} == {0}


def test_only_the_last_published_batches_of_the_same_source_count(
    conn: Connection, platform: Platform, instance: dg.DagsterInstance
) -> None:
    change_settings(conn, "checks.history.batches", "5", "test")
    history(conn, 5, refused=150)
    history(conn, 5, refused=0)
    history(conn, 5, refused=150, source="elsewhere")
    add_batch(conn, refused=150)
    evaluation, _, figures = checked(instance, platform, "contacts", add_batch(conn, refused=0))
    assert evaluation.passed
    assert figures["refused rows"]["batches looked at"] == 5
    assert figures["refused rows"]["history mean"] == 0


def test_answers_past_their_time_are_not_looked_at(
    conn: Connection, platform: Platform, instance: dg.DagsterInstance
) -> None:
    history(conn)
    conn.execute("UPDATE enrichment.phone_lookups SET expires_at = fetched_at")
    _, _, figures = checked(instance, platform, "phone_lookups", add_batch(conn))
    assert figures["line type: mobile"]["verdict"] == "no history yet: 0 of 5 batches"
    assert figures["unknown outcomes"]["verdict"] == "within"


def state_of_last(conn: Connection) -> str:
    row = conn.execute("SELECT state FROM intake.batches ORDER BY batch_id DESC LIMIT 1").fetchone()
    assert row is not None
    return str(row[0])
