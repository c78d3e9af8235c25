"""Broadband coverage: importing what the FCC reports for states."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import DONE, FAILED, Json, Result

if TYPE_CHECKING:
    import dagster as dg

    from bulk_lookup_dagster.services.fcc_releases import Release
    from bulk_lookup_dagster.services.instance import Platform

States = Annotated[list[str], typer.Argument(help="States by their two digits: 04 is Arizona.")]


def coverage(states: States, json: Json = False) -> None:
    """Import the FCC's newest broadband availability of states; they are kept current by
    themselves."""
    frame.execute(lambda: _coverage(states), json)


def _coverage(states: Sequence[str]) -> Result:
    from bulk_lookup_dagster.services.fcc_releases import Release, check_state, newest_release
    from bulk_lookup_dagster.services.simulation import with_sandbox

    for state in states:
        check_state(state)
    with with_sandbox(frame.open_platform()) as platform:
        newest = asyncio.run(newest_release(platform))
        done = _imported(platform, [Release(newest, state) for state in dict.fromkeys(states)])
    failed = any("failed" in one for one in done.values())
    return Result(done, [_line(state, one) for state, one in done.items()],
                  FAILED if failed else DONE)  # fmt: skip


def _imported(platform: Platform, releases: Sequence[Release]) -> dict[str, dict[str, Any]]:
    """A run of Dagster's job per release, so that its pages show what the command did."""
    from bulk_lookup_dagster.definitions import build_defs
    from bulk_lookup_dagster.orchestration.vocabulary import FCC_JOB, FCC_RELEASES
    from bulk_lookup_dagster.services.dagster_home import dagster_instance, run_job
    from bulk_lookup_dagster.services.simulation import dagster_resources

    defs = build_defs(platform.environment.name, overrides=dagster_resources(platform))
    done = {}
    with dagster_instance(platform) as instance:
        keys = [release.key for release in releases]
        instance.add_dynamic_partitions(str(FCC_RELEASES.name), keys)
        for release in releases:
            frame.progress(f"release {release.key}")
            run = run_job(defs, instance, FCC_JOB, partition_key=release.key)
            done[release.state_fips] = _outcome(run)
    return done


def _outcome(run: dg.ExecuteInProcessResult) -> dict[str, Any]:
    if not run.success:
        return {"failed": _reason(run), "run_id": run.run_id}
    (event,) = run.get_asset_materialization_events()
    made = {name: one.value for name, one in event.materialization.metadata.items()}
    return {
        "as_of": made["release"],
        "rows": made["dagster/row_count"],
        "new": made["imported now"],
    }


def _reason(run: dg.ExecuteInProcessResult) -> str:
    for event in run.filter_events(lambda one: one.is_step_failure):
        told = event.step_failure_data.user_failure_data
        if told is not None and told.description:
            return told.description
    return "see the run in Dagster"


def _line(state: str, one: Mapping[str, Any]) -> str:
    if "failed" in one:
        return f"{state}: {one['failed']}"
    line = f"{state}: release {one['as_of']}, {one['rows']} rows"
    return line if one["new"] else f"{line} (was imported before)"
