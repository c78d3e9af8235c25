"""Builds the marts: one `dbt build` in this process, and the bookkeeping of what it covered.

Belongs here: how dbt is called, and which reasons to build it answered.
Does not: the models (`dbt_project`), the same build as Dagster assets (`assets.marts`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.core.telemetry import silence
from bulk_lookup_dagster.services.build_results import record_results, results_folder
from bulk_lookup_dagster.services.dbt_project import PROJECT, fingerprint, has_views, source_files
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.scratch import clear_leftovers, scratch_folder
from bulk_lookup_dagster.storage.database import connect

MANIFEST = PROJECT / "target" / "manifest.json"
_ASIDE = "parse-"
_LOCK = 7304
_GOOD = frozenset({"success", "pass", "warn", "no-op"})
# A build since the last whole one may have left something behind, even if it failed.
_BEGIN = """
    INSERT INTO ops.mart_builds (models_hash) VALUES (%(models)s)
    RETURNING build_id, ARRAY(SELECT dirty_id FROM ops.mart_dirty WHERE built_at IS NULL),
              (SELECT coalesce(bool_and(models_hash = %(models)s), false) FROM ops.mart_builds
                WHERE build_id >= (SELECT max(build_id) FROM ops.mart_builds
                                    WHERE finished_at IS NOT NULL))
"""
_TICK_OFF = "UPDATE ops.mart_dirty SET built_at = clock_timestamp() WHERE dirty_id = ANY(%s)"
# The manifest is megabytes and the log every statement; neither is read after a build.
_HASTE = ("--no-write-json", "--log-level-file", "info")
# A view shows what is below it; made again it would only lock its readers out for a moment. Its
# tests run all the same: `empty` excludes nothing but what is named.
_KEEP_VIEWS = ("--exclude", "config.materialized:view", "--indirect-selection", "empty")
_FORGET = "DELETE FROM ops.mart_changes WHERE build_id = %s"
_END = "UPDATE ops.mart_builds SET finished_at = clock_timestamp() WHERE build_id = %s"


@dataclass(frozen=True)
class Node:
    """What became of one model or one test of it; hooks belong to no model."""

    name: str
    model: str
    is_test: bool
    good: bool
    seconds: float
    rows: int | None
    failures: int | None


@dataclass(frozen=True)
class MartsBuild:
    """What one build did."""

    models: int
    tests: int
    seconds: float
    covered: int


@dataclass
class Covering:
    """What a build answers and finds: its number, the reasons to build, and the models' state.

    `same_models`: the last whole build was made with these models; `has_views`: theirs are there.
    A build of some models only sets `whole` to False.
    """

    build_id: int
    reasons: list[int]
    same_models: bool
    has_views: bool
    whole: bool = True


def build_marts(
    platform: Platform, *, unit_tests: bool = False, full_refresh: bool = False
) -> MartsBuild:
    """Build and test every model once; raises `StorageError` naming what failed.

    `full_refresh` forgets what earlier builds made and reads everything again. Unit tests look at
    the models, not at the data: the test suite runs them, a build does not.
    """
    started = monotonic()
    with covering_build(platform) as covered:
        nodes = run_build(platform, covered, unit_tests=unit_tests, full_refresh=full_refresh)
        require_good(nodes)
    return MartsBuild(
        models=sum(bool(node.model) and not node.is_test for node in nodes),
        tests=sum(node.is_test for node in nodes),
        seconds=monotonic() - started,
        covered=len(covered.reasons),
    )


@contextmanager
def covering_build(platform: Platform) -> Iterator[Covering]:
    """While this is open, nobody else builds; at its end the reasons it covers are ticked off.

    Only reasons and changes that were committed before the build began are covered. An error
    covers nothing, and so does a caller that sets `whole` to False.
    """
    with connect(platform.dsn, autocommit=True, name="bulk-lookup marts") as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        models = fingerprint(platform.environment.timezone.key)
        build, reasons, same = conn.execute(_BEGIN, {"models": models}).fetchall()[0]
        covering = Covering(build, reasons, same, has_views(conn, ensure_manifest()))
        # Those of a build that failed are taken over.
        conn.execute("UPDATE ops.mart_changes SET build_id = %s", [covering.build_id])
        yield covering
        if covering.whole:
            with conn.transaction():
                conn.execute(_TICK_OFF, [covering.reasons])
                conn.execute(_FORGET, [covering.build_id])
                conn.execute(_END, [covering.build_id])


def run_build(
    platform: Platform,
    covering: Covering,
    *,
    models: Sequence[str] = (),
    unit_tests: bool = False,
    full_refresh: bool = False,
) -> list[Node]:
    """One `dbt build` of all models or those named, whatever comes of it; see `require_good`.

    Rows that other models made are no start: with models that changed everything is read again.
    """
    folder = results_folder(platform.environment.home)
    arguments = ["build", *_paths(folder), *_HASTE]
    arguments += ["--vars", f'{{"business_timezone": "{platform.environment.timezone.key}"}}']
    if not unit_tests:
        arguments += ["--exclude-resource-type", "unit_test"]
    anew = full_refresh or not covering.same_models
    if models:
        arguments += ["--select", *models]
    elif anew:
        arguments.append("--full-refresh")
    elif covering.has_views:
        arguments += _KEEP_VIEWS
    with _environment(platform.dsn):
        outcome = _invoke(arguments)
    if outcome.result is not None:
        record_results(folder, outcome.result, keep=bool(models) or not anew)
    return _nodes(outcome)


def require_good(nodes: Sequence[Node]) -> None:
    """Raise `StorageError` naming the models and tests that failed."""
    failed = [node.name for node in nodes if not node.good]
    if failed:
        raise _failed(", ".join(failed[:10]))


def ensure_manifest() -> Path:
    """The manifest of the models as they are now; parsed again when a source is newer.

    Several programs start at once: each parses aside, and the finished file takes its place.
    """
    if MANIFEST.is_file() and not is_older_than_models(MANIFEST):
        clear_leftovers(MANIFEST.parent, _ASIDE)
    else:
        MANIFEST.parent.mkdir(exist_ok=True)
        with scratch_folder(MANIFEST.parent, _ASIDE) as folder:
            _nodes(_invoke(["parse", "--no-partial-parse", *_paths(folder)]))
            (folder / MANIFEST.name).replace(MANIFEST)
    return MANIFEST


def is_older_than_models(manifest: Path) -> bool:
    """Whether a model, or what it is made with, changed after the manifest was written."""
    return manifest.stat().st_mtime < max(path.stat().st_mtime for path in source_files())


def _paths(target: Path) -> list[str]:
    project = str(PROJECT)
    arguments = ["--project-dir", project, "--profiles-dir", project]
    return [*arguments, "--target-path", str(target), "--log-path", str(target)]


def _invoke(arguments: Sequence[str]) -> Any:
    """Run dbt in this process."""
    from dbt.cli.main import dbtRunner  # 2 s: only those who build pay for it

    silence(os.environ)
    return dbtRunner().invoke(["--quiet", *arguments])


def _nodes(outcome: Any) -> list[Node]:
    """What became of each node; what failed is among them, what never ran is an error."""
    nodes = [_node(each) for each in getattr(outcome.result, "results", None) or ()]
    if not outcome.success and all(node.good for node in nodes):
        kind = type(outcome.exception).__name__ if outcome.exception else "dbt failed"
        raise _failed(kind) from outcome.exception
    return nodes


def _node(result: Any) -> Node:
    node = result.node
    kind = str(node.resource_type)
    is_test = kind in ("test", "unit_test")
    attached = getattr(node, "attached_node", None) or getattr(node, "model", None) or ""
    rows = (result.adapter_response or {}).get("rows_affected")
    return Node(
        name=node.name,
        model=attached.rpartition(".")[2] if is_test else node.name if kind == "model" else "",
        is_test=is_test,
        good=str(result.status) in _GOOD,
        seconds=float(result.execution_time),
        rows=rows if not is_test and isinstance(rows, int) and rows >= 0 else None,
        failures=result.failures,
    )


def _failed(what: str) -> StorageError:
    return StorageError(
        f"The marts were not built: {what}.",
        fix="Readers still see the last good build. See dbt.log in the dbt folder of "
        "BULK_LOOKUP_HOME, then build again.",
        code="marts_failed",
    )


@contextmanager
def _environment(dsn: str) -> Iterator[None]:
    """dbt reads its connection from the process environment, and only from there."""
    parts = conninfo_to_dict(dsn)
    wanted = {
        "BULK_LOOKUP_DBT_HOST": str(parts.get("host") or "127.0.0.1"),
        "BULK_LOOKUP_DBT_PORT": str(parts.get("port") or 5432),
        "BULK_LOOKUP_DBT_USER": str(parts.get("user") or ""),
        "BULK_LOOKUP_DBT_PASSWORD": str(parts.get("password") or ""),
        "BULK_LOOKUP_DBT_DBNAME": str(parts.get("dbname") or ""),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
