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
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.core.telemetry import silence
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage.database import connect

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
MANIFEST = PROJECT / "target" / "manifest.json"
_LOCK = 7304
_GOOD = frozenset({"success", "pass", "warn", "no-op"})
_BEGIN = """
    INSERT INTO ops.mart_builds DEFAULT VALUES
    RETURNING build_id, ARRAY(SELECT dirty_id FROM ops.mart_dirty WHERE built_at IS NULL)
"""
_TICK_OFF = "UPDATE ops.mart_dirty SET built_at = clock_timestamp() WHERE dirty_id = ANY(%s)"
_FORGET = "DELETE FROM ops.mart_changes WHERE build_id = %s"
_END = "UPDATE ops.mart_builds SET finished_at = clock_timestamp() WHERE build_id = %s"
_SOURCES = ("dbt_project.yml", "profiles.yml", "models", "macros", "tests")


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
    """What a build answers: its number, the reasons to build, and whether it builds all models."""

    build_id: int
    reasons: list[int]
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
        nodes = run_build(platform, unit_tests=unit_tests, full_refresh=full_refresh)
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
        covering = Covering(*conn.execute(_BEGIN).fetchall()[0])
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
    *,
    models: Sequence[str] = (),
    unit_tests: bool = False,
    full_refresh: bool = False,
) -> list[Node]:
    """One `dbt build` of all models or those named, whatever comes of it; see `require_good`."""
    arguments = ["build", *_paths(results_folder(platform.environment.home))]
    arguments += ["--vars", f'{{"business_timezone": "{platform.environment.timezone.key}"}}']
    if not unit_tests:
        arguments += ["--exclude-resource-type", "unit_test"]
    if full_refresh:
        arguments.append("--full-refresh")
    if models:
        arguments += ["--select", *models]
    with _environment(platform.dsn):
        return _invoke(arguments)


def results_folder(home: Path) -> Path:
    """Where a build writes what it ran and what came of it."""
    return home / "dbt"


def require_good(nodes: Sequence[Node]) -> None:
    """Raise `StorageError` naming the models and tests that failed."""
    failed = [node.name for node in nodes if not node.good]
    if failed:
        raise _failed(", ".join(failed[:10]))


def ensure_manifest() -> Path:
    """The manifest of the models as they are now; parsed again when a source is newer.

    Several programs start at once: each parses aside, and the finished file takes its place.
    """
    if not MANIFEST.is_file() or is_older_than_models(MANIFEST):
        MANIFEST.parent.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=MANIFEST.parent, prefix="parse-") as folder:
            _invoke(["parse", "--no-partial-parse", *_paths(Path(folder))])
            (Path(folder) / MANIFEST.name).replace(MANIFEST)
    return MANIFEST


def is_older_than_models(manifest: Path) -> bool:
    """Whether a model, or what it is made with, changed after the manifest was written."""
    files = [path for name in _SOURCES for path in (PROJECT / name, *(PROJECT / name).rglob("*"))]
    newest = max(path.stat().st_mtime for path in files if path.is_file())
    return manifest.stat().st_mtime < newest


def _paths(target: Path) -> list[str]:
    project = str(PROJECT)
    arguments = ["--project-dir", project, "--profiles-dir", project]
    return [*arguments, "--target-path", str(target), "--log-path", str(target)]


def _invoke(arguments: Sequence[str]) -> list[Node]:
    """Run dbt in this process; what failed is in the result, what never ran is an error."""
    from dbt.cli.main import dbtRunner  # 2 s: only those who build pay for it

    silence(os.environ)
    outcome = dbtRunner().invoke(["--quiet", *arguments])
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
