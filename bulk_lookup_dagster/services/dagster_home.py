"""Dagster's own folder: its configuration, written by us, its instance, and jobs run in process.

Belongs here: `dagster.yaml` and why each line is there. Does not: definitions, starting programs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bulk_lookup_dagster.services.instance import Platform

if TYPE_CHECKING:
    import dagster as dg

DATABASE_VARIABLE = "DAGSTER_DATABASE_URL"
DAGSTER_YAML = f"""\
# Written by `bulk-lookup up`; changes are overwritten.
storage:
  postgres:
    postgres_url:
      env: {DATABASE_VARIABLE}

telemetry:
  enabled: false

nux:
  enabled: false # the invitation to a newsletter

run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator

concurrency:
  runs:
    max_concurrent_runs: 4
  pools:
    granularity: run
    default_limit: 1 # the only pool is `marts`: builds queue instead of colliding

# Without these a cancelled or killed run would hold its slot for ever.
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  cancel_timeout_seconds: 180
  free_slots_after_run_end_seconds: 60
  poll_interval_seconds: 30

# Crashed workers only: what failed on purpose stays due in the database and is picked up there.
run_retries:
  enabled: true
  max_retries: 2
  retry_on_asset_or_op_failure: false

retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days: {{skipped: 2, failure: 30, success: 90}}

code_servers:
  local_startup_timeout: 180
"""
_STATEMENT_MS = 60_000


def write_home(platform: Platform) -> Path:
    """Make Dagster's folder in the platform's home and write its configuration."""
    folder = platform.environment.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "dagster.yaml").write_text(DAGSTER_YAML)
    return folder


@contextmanager
def dagster_instance(platform: Platform) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance on PostgreSQL, opened in this process."""
    import dagster as dg

    folder = write_home(platform)
    os.environ[DATABASE_VARIABLE] = platform.dagster_dsn
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        # As the web server does: else each of a run's thousand statements opens a connection.
        instance.optimize_for_webserver(_STATEMENT_MS, pool_recycle=3_600, max_overflow=20)
        yield instance


def run_job(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    job: str,
    *,
    partition_key: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job in this process, quietly: its log is in the instance, for the UI."""
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=partition_key,
        run_config={**quiet, **(config or {})},
        raise_on_error=False,
    )
