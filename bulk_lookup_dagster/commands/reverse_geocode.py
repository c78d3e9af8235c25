"""Reverse geocoding: which addresses are at points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bulk_lookup_dagster.commands import frame, subject_plans
from bulk_lookup_dagster.commands.frame import Json, Result

Points = Annotated[
    list[str] | None,
    typer.Argument(metavar="[LAT,LNG]...", help="Points in degrees: 33.4484,-112.0740."),
]
File = Annotated[
    Path | None, typer.Option(help="A text file with more, one a line.", dir_okay=False)
]
# A latitude south of the equator begins like an option.
CONTEXT = {"ignore_unknown_options": True}
_COLUMNS = ("point", "state", "address", "address_from", "accuracy", "place_id", "error")


def reverse_geocode(points: Points = None, file: File = None, json: Json = False) -> None:
    """Ask which addresses are at points, under an approved plan; each point is paid once."""
    frame.execute(lambda: _reverse_geocode(points or [], file), json)


def _reverse_geocode(points: Sequence[str], file: Path | None) -> Result:
    from bulk_lookup_dagster.core.points import REASONS
    from bulk_lookup_dagster.services.simulation import with_sandbox

    accepted, refused = _read(points, file)
    with with_sandbox(frame.open_platform()) as platform:
        document, lines, code = _run(platform, accepted)
    document["refused"] = [{**one._asdict(), "meaning": REASONS[one.reason]} for one in refused]
    lines += [f"Refused {one.text!r}, {one.where}: {REASONS[one.reason]}." for one in refused]
    return Result(document, lines, code)


def _read(points: Sequence[str], file: Path | None) -> Any:
    """Accepted and refused points; raises where none can be accepted."""
    from bulk_lookup_dagster.core.errors import InputError
    from bulk_lookup_dagster.core.points import REASONS, read_points

    read = read_points(_given(points, file))
    if not read.accepted:
        told = "; ".join(
            f"{one.text!r}, {one.where}: {REASONS[one.reason]}" for one in read.refused[:20]
        )
        raise InputError(
            f"No point was given. {told}".strip(),
            fix="Write latitude and longitude in degrees: 33.4484,-112.0740.",
        )
    return read


def _given(points: Sequence[str], file: Path | None) -> Iterator[tuple[str, str]]:
    """Where each point stands, and what is written there; lines without anything are passed by."""
    yield from ((f"argument {number}", text) for number, text in enumerate(points, 1))
    if file is None:
        return
    lines = frame.read_lines(file, "point")
    if not any(line.strip() for line in lines):
        yield str(file.name), ""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"line {number}", line


def _run(platform: Any, points: Sequence[str]) -> subject_plans.Told:
    from bulk_lookup_dagster.services.point_plans import note_points, plan_points
    from bulk_lookup_dagster.services.reverse_geocoding import outcomes, run_points

    with frame.database(platform) as conn:
        plan = plan_points(conn, platform, points)
        if not subject_plans.is_approved(conn, platform, plan):
            return subject_plans.waiting(plan, "points", "points")
        report, texts = (None, {}) if plan.state == "done" else run_points(platform, plan.plan_id)
        rows = outcomes(conn, note_points(conn, platform, points), texts)
    return subject_plans.ran(plan, report, "points", rows, _COLUMNS)
