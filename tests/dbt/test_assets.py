"""The same build as Dagster assets: keys, checks, what it covers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from assets.marts import marts
from bulk_lookup_dagster.services.dbt_project import PROJECT
from bulk_lookup_dagster.services.marts import MANIFEST, build_marts, ensure_manifest
from bulk_lookup_dagster.storage.database import connect
from tests.fakes.story import platform_of, tell


def test_manifest_is_newer_than_the_models() -> None:
    ensure_manifest()
    newest = max(path.stat().st_mtime for path in (PROJECT / "models").rglob("*.*"))
    assert MANIFEST.stat().st_mtime >= newest


def test_programs_that_start_at_once_never_see_half_a_manifest() -> None:
    os.utime(ensure_manifest(), (0, 0))  # as if every model were newer
    code = "import json; from bulk_lookup_dagster.services.marts import ensure_manifest as m;"
    code += "print(len(json.loads(m().read_text())['nodes']))"
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT.parent, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    counts = {process.communicate(timeout=120)[0] for process in started}
    assert len(counts) == 1
    assert int(counts.pop()) > 25
    # Another test's program may be parsing: its folder goes when it is done, or dead.
    deadline = time.monotonic() + 60
    while list(ensure_manifest().parent.glob("parse-*")):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_keys_are_plain_and_sources_are_the_platforms_own_assets() -> None:
    keys = {key.to_user_string() for key in marts.keys}
    assert {"dim_contacts", "dashboard_stats", "mart_failures", "stg_claims"} <= keys
    upstream = {key.to_user_string() for key in marts.dependency_keys} - keys
    assert {"uploads", "contacts", "phone_lookups", "ledger_claims", "ledger_requests"} <= upstream
    assert set(marts.group_names_by_key.values()) == {"marts"}
    assert all(spec.owners and "dbt" in spec.kinds for spec in marts.specs)
    assert len(list(marts.check_keys)) >= 15


def test_a_run_builds_checks_and_ticks_off(dsn: str, tmp_path: Path) -> None:
    with connect(dsn) as conn:
        tell(conn)
    result = dg.materialize([marts], resources={"platform": platform_of(dsn, tmp_path)})
    assert result.success
    evaluations = result.get_asset_check_evaluations()
    assert len(evaluations) == len(list(marts.check_keys))
    assert all(each.passed for each in evaluations)
    with connect(dsn, autocommit=True) as conn:
        left = conn.execute("SELECT count(*) FROM ops.mart_dirty WHERE built_at IS NULL")
        assert left.fetchone() == (0,)
        found = conn.execute("SELECT contacts FROM marts.dashboard_stats")
        assert found.fetchone() == (10,)


def test_a_part_of_the_models_ticks_nothing_off(dsn: str, tmp_path: Path) -> None:
    platform = platform_of(dsn, tmp_path)
    build_marts(platform)
    with connect(dsn, autocommit=True) as conn:
        conn.execute("INSERT INTO ops.mart_dirty (reason) VALUES ('test')")
        result = dg.materialize(
            [marts], selection=["stg_rejects", "mart_failures"], resources={"platform": platform}
        )
        made = {event.asset_key for event in result.get_asset_materialization_events()}
        assert made == {dg.AssetKey("stg_rejects"), dg.AssetKey("mart_failures")}
        left = conn.execute("SELECT count(*) FROM ops.mart_dirty WHERE built_at IS NULL")
        assert left.fetchone() == (1,)


def test_a_failing_model_fails_the_run_and_ticks_nothing_off(dsn: str, tmp_path: Path) -> None:
    with connect(dsn, autocommit=True) as conn:
        tell(conn)
        conn.execute("CREATE TYPE marts.mart_failures AS ENUM ('in the way')")
    platform = platform_of(dsn, tmp_path)
    with pytest.raises(dg.Failure, match="mart_failures"):
        dg.materialize([marts], resources={"platform": platform})
    with connect(dsn, autocommit=True) as conn:
        left = conn.execute("SELECT count(*) FROM ops.mart_dirty WHERE built_at IS NULL")
        assert left.fetchone() == (1,)
