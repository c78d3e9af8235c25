"""The demo: a made-up file goes through the same jobs the sensors run, and the tables at the end.

Belongs here: the order of jobs and the figures of the whole. Does not: how they are shown
(`services.demo_report`), the jobs (`bulk_lookup_dagster.jobs`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from bulk_lookup_dagster.core.errors import ConfigError, StorageError
from bulk_lookup_dagster.core.money import usd_from_micros
from bulk_lookup_dagster.intake.sample import write_sample
from bulk_lookup_dagster.services.dagster_home import dagster_instance, run_job
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import change_settings, settings_history
from bulk_lookup_dagster.services.simulation import dagster_resources, with_sandbox
from bulk_lookup_dagster.services.steps import BATCH_STEPS
from bulk_lookup_dagster.storage.database import connect
from resources.registry import VENDORS, vendor

if TYPE_CHECKING:
    import dagster as dg

SAMPLE_ROWS = 2_000
# Verizon answers only by call-backs, which need an inbox it can reach: `up` has one, the demo not.
DEMO_STEPS = tuple(name for name in BATCH_STEPS if name != "broadband_coverage")
_INTAKE, _ENRICH, _MARTS = "intake_upload", "enrich_batch", "build_marts"

_PARTITIONS = """
    SELECT b.partition_key FROM intake.batches b JOIN intake.uploads u USING (upload_id)
     WHERE u.file_name = %(name)s AND u.state = 'loaded' ORDER BY b.batch_id
"""
_UPLOAD = """
    SELECT upload_id, state, row_count, contact_count, reject_count FROM intake.uploads
     WHERE file_name = %(name)s ORDER BY upload_id DESC LIMIT 1
"""
_REJECTS = """
    SELECT reason, count(*) FROM intake.rejects WHERE upload_id = %(upload_id)s
     GROUP BY reason ORDER BY count(*) DESC, reason
"""
# The plan that bought; the ones of later rounds have nothing due.
_PLAN = """
    SELECT p.plan_id, p.state, p.approved_by, p.cap_micros, b.spent_micros,
           (p.estimate ->> 'due')::bigint AS due, (p.estimate ->> 'rows')::bigint AS rows,
           (p.estimate ->> 'max_micros')::bigint AS max_micros,
           (p.estimate ->> 'duplicates')::bigint AS duplicates,
           (p.estimate ->> 'duplicates_micros')::bigint AS duplicates_micros
      FROM ledger.plans p
      LEFT JOIN ledger.budgets b ON b.scope = 'plan' AND b.key = p.plan_id::text
     WHERE p.upload_id = %(upload_id)s AND p.kind = 'upload'
     ORDER BY (p.estimate ->> 'due')::bigint DESC, p.plan_id LIMIT 1
"""
_PACKAGES = """
    SELECT provider, operation, count(*) AS asked,
           count(*) FILTER (WHERE outcome = 'data') AS with_data,
           count(*) FILTER (WHERE outcome = 'no_data') AS without_data,
           count(*) FILTER (WHERE outcome = 'invalid_subject') AS invalid,
           count(*) FILTER (WHERE state <> 'answered') AS not_answered,
           coalesce(sum(cost_micros), 0)::bigint AS cost_micros
      FROM ledger.claims WHERE plan_id = %(plan_id)s GROUP BY provider, operation
     ORDER BY provider, operation
"""
_CALLS = """
    SELECT count(*) AS calls, coalesce(sum(cost_micros), 0)::bigint AS cost_micros
      FROM ledger.requests WHERE run_id > %(before)s
"""
_SLOWEST = """
    SELECT coalesce(max(duration_ms), 0) AS slowest_ms
      FROM ledger.requests JOIN ledger.runs USING (run_id) WHERE plan_id = %(plan_id)s
"""
_SAVED = """
    SELECT duplicate_count, saved_by_duplicates_micros FROM marts.mart_upload_summary
     WHERE upload_id = %(upload_id)s
"""
_MART_NAMES = """
    SELECT table_name FROM information_schema.tables
     WHERE table_schema = 'marts' ORDER BY table_name
"""

BuildDefinitions = Callable[[Mapping[str, Any]], "dg.Definitions"]
Step = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What came of a demo: this round's calls and cost, and the figures of the whole upload."""

    upload: Mapping[str, Any]
    rejects: Mapping[str, int]
    plan: Mapping[str, Any]
    packages: tuple[Mapping[str, Any], ...]
    saved: Mapping[str, Any]
    marts: Mapping[str, int]
    paid_calls: int
    cost_micros: int
    slowest_ms: int
    seconds: float
    sample: str


def run_demo(
    platform: Platform,
    build_definitions: BuildDefinitions,
    *,
    step: Step | None = None,
    rows: int = SAMPLE_ROWS,
) -> DemoReport:
    """Take the sample in, plan, approve by policy, enrich, check, publish, build the marts.

    `build_definitions` makes the code location with resources replaced (the composition root is
    above the services); `step` is entered around each stage, for progress. Runs again buy nothing.
    """
    if platform.environment.name != "demo":
        raise ConfigError(
            f"The demo does not run in environment {platform.environment.name!r}.",
            fix="Set BULK_LOOKUP_ENV=demo: its database is a separate one.",
        )
    began = time.monotonic()
    step = step or (lambda _words: nullcontext())
    with ExitStack() as stack:
        with step("sandbox and sample"):
            sample = _sample(platform, rows)
            demo = stack.enter_context(with_sandbox(platform))
        conn = stack.enter_context(connect(demo.dsn, autocommit=True, name="bulk-lookup demo"))
        instance = stack.enter_context(dagster_instance(demo))
        before = _last_run(conn)
        _settle_in(conn)
        with step("code location"):
            definitions = build_definitions(dagster_resources(demo))
        _run_jobs(definitions, instance, conn, sample, step)
        return _report(conn, before, sample, time.monotonic() - began)


def _sample(platform: Platform, rows: int) -> Path:
    folder = platform.environment.home / "demo"
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / "sample.csv"
    if not path.exists():
        building = path.with_suffix(".new")
        write_sample(building, rows=rows)
        building.replace(path)
    return path


def _settle_in(conn: psycopg.Connection[Any]) -> None:
    """Settings that show the platform off, unless somebody changed some."""
    if settings_history(conn):
        return
    for path, value in demo_settings().items():
        change_settings(conn, path, value, "demo")


def demo_settings() -> dict[str, str]:
    """Every step that needs no inbox, and fast; unpublished prices are those of the sandbox."""
    changes = {f"providers.{entry.name}.requests_per_second": "2000" for entry in VENDORS}
    changes |= {f"steps.{name}.enabled": "true" for name in DEMO_STEPS}
    changes["providers.twilio_lookup.packages"] = (
        '["line_type_intelligence", "caller_name", "sms_pumping_risk"]'
    )
    # It answers by call-back to the web server, which the demo does without.
    changes["providers.verizon.enabled"] = "false"
    # Its sandbox is done within a second.
    changes |= {f"providers.{name}.poll_s": "1" for name in ("hunter", "clearbit")}
    return changes | _unpublished_prices()


def _unpublished_prices() -> dict[str, str]:
    from bulk_lookup_dagster.sandbox.app import simulators

    changes = {}
    for simulator in simulators():
        published = {price.operation for price in vendor(simulator.name).prices}
        prices = {
            operation: str(usd_from_micros(micros))
            for operation, micros in simulator.prices.items()
            if operation not in published
        }
        if prices:
            changes[f"providers.{simulator.name}.price_overrides_usd"] = json.dumps(prices)
    return changes


def _run_jobs(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    conn: psycopg.Connection[Any],
    sample: Path,
    step: Step,
) -> None:
    def run(job: str, *, partition_key: str | None = None, config: Any = None) -> None:
        done = run_job(definitions, instance, job, partition_key=partition_key, config=config)
        if not done.success:
            raise StorageError(
                f"The demo's {job} failed.",
                fix="See what it says: BULK_LOOKUP_ENV=demo bulk-lookup up, then Dagster's runs.",
            )

    with step("intake_upload: hash, parse, store, plan, approve"):
        run(_INTAKE, config={"ops": {"intake": {"config": {"uri": sample.as_uri()}}}})
    for (key,) in conn.execute(_PARTITIONS, {"name": sample.name}).fetchall():
        with step(f"enrich_batch {key}: look-ups, checks, publish"):
            run(_ENRICH, partition_key=key)
    with step("build_marts: dbt models and their tests"):
        run(_MARTS)


def _last_run(conn: psycopg.Connection[Any]) -> int:
    return int(conn.execute("SELECT coalesce(max(run_id), 0) FROM ledger.runs").fetchall()[0][0])


def _report(conn: psycopg.Connection[Any], before: int, sample: Path, seconds: float) -> DemoReport:
    upload = _row(conn, _UPLOAD, {"name": sample.name})
    plan = _row(conn, _PLAN, upload)
    calls = _row(conn, _CALLS, {"before": before})
    slowest = _row(conn, _SLOWEST, plan)
    return DemoReport(
        upload=upload,
        rejects=dict(conn.execute(_REJECTS, upload).fetchall()),
        plan=plan,
        packages=tuple(_rows(conn, _PACKAGES, plan)),
        saved=_row(conn, _SAVED, upload),
        marts={name: _count(conn, name) for (name,) in conn.execute(_MART_NAMES).fetchall()},
        paid_calls=calls["calls"],
        cost_micros=calls["cost_micros"],
        slowest_ms=slowest["slowest_ms"],
        seconds=round(seconds, 1),
        sample=str(sample),
    )


def _rows(
    conn: psycopg.Connection[Any], query: str, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def _row(conn: psycopg.Connection[Any], query: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return _rows(conn, query, values)[0]


def _count(conn: psycopg.Connection[Any], mart: str) -> int:
    query = sql.SQL("SELECT count(*) FROM marts.{}").format(sql.Identifier(mart))
    return int(conn.execute(query).fetchall()[0][0])
