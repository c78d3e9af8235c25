"""What a build keeps of earlier ones, and when it must not: rows and views of other models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.services.build_results import read_results
from bulk_lookup_dagster.services.dbt_project import PROJECT, fingerprint, source_files
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import build_marts
from bulk_lookup_dagster.storage.database import connect
from tests.fakes.story import platform_of, tell

Connection = psycopg.Connection[Any]
_VIEWS = """
    SELECT c.relname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'v' AND n.nspname IN ('staging', 'intermediate', 'marts')
"""
# An incremental build does not look at rows of which nothing changed.
_SPOIL = "DELETE FROM intermediate.int_contact_totals"


@pytest.fixture
def told(dsn: str, tmp_path: Path) -> Platform:
    platform = platform_of(dsn, tmp_path)
    with connect(dsn) as conn:
        tell(conn)
    build_marts(platform)
    return platform


def _views(conn: Connection) -> dict[str, int]:
    return dict(conn.execute(_VIEWS).fetchall())


def _contacts(conn: Connection) -> int:
    found = conn.execute("SELECT contacts FROM marts.dashboard_stats").fetchall()
    return int(found[0][0])


def test_views_stay_until_one_is_missing_and_their_results_stay_with_them(told: Platform) -> None:
    with connect(told.dsn, autocommit=True) as conn:
        first = _views(conn)
        results = read_results(told.environment.home)
        tests = build_marts(told).tests
        assert _views(conn) == first
        assert read_results(told.environment.home).keys() == results.keys()
        conn.execute("DROP VIEW staging.stg_last_build")
        assert build_marts(told).tests == tests
        again = _views(conn)
        assert again.keys() == first.keys()
        assert not again.items() & first.items()


def test_rows_of_other_models_are_made_anew(told: Platform) -> None:
    with connect(told.dsn, autocommit=True) as conn:
        before = _views(conn)
        conn.execute(_SPOIL)
        build_marts(told)
        assert _contacts(conn) == 0
        conn.execute("UPDATE ops.mart_builds SET models_hash = 'of another version'")
        build_marts(told)
        assert _contacts(conn) == 10
        assert not _views(conn).items() & before.items()


def test_a_build_of_other_models_that_failed_is_no_start_either(told: Platform) -> None:
    with connect(told.dsn, autocommit=True) as conn:
        conn.execute("INSERT INTO ops.mart_builds (models_hash) VALUES ('of another version')")
        conn.execute(_SPOIL)
        build_marts(told)
        assert _contacts(conn) == 10


def test_the_fingerprint_covers_models_macros_settings_and_the_business_day() -> None:
    files = {path.relative_to(PROJECT).as_posix() for path in source_files()}
    assert {"dbt_project.yml", "macros/rules.sql", "models/marts/dashboard_stats.sql"} <= files
    assert not [name for name in files if name.startswith(("target", "logs"))]
    assert fingerprint("UTC") == fingerprint("UTC") != fingerprint("Europe/Berlin")
