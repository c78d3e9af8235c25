"""Housekeeping by hand: the job that the daily schedule runs."""

from __future__ import annotations

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import DONE, FAILED, Json, Result


def housekeeping(json: Json = False) -> None:
    """Resolve what died, purge what is past its time, forget old runs, VACUUM."""

    def action() -> Result:
        from bulk_lookup_dagster.definitions import build_defs
        from bulk_lookup_dagster.orchestration.vocabulary import MAINTENANCE_JOB
        from bulk_lookup_dagster.services.dagster_home import dagster_instance, run_job
        from bulk_lookup_dagster.services.simulation import dagster_resources

        platform = frame.open_platform()
        defs = build_defs(platform.environment.name, overrides=dagster_resources(platform))
        with dagster_instance(platform) as instance:
            done = run_job(defs, instance, MAINTENANCE_JOB)
        failed = sorted({str(event.step_key) for event in done.all_events if event.is_step_failure})
        document = {"dagster_run_id": done.run_id, "failed": failed}
        lines = [f"Failed: {step}" for step in failed] or ["Done."]
        return Result(document, lines, FAILED if failed else DONE)

    frame.execute(action, json)
