"""Reverse geocoding: which addresses are at points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import WAITS, Json, Result

Points = Annotated[
    list[str] | None,
    typer.Argument(metavar="[LAT,LNG]...", help="Points in degrees: 33.4484,-112.0740."),
]
File = Annotated[
    Path | None, typer.Option(help="A text file with more, one a line.", dir_okay=False)
]
# A latitude south of the equator begins like an option.
CONTEXT = {"ignore_unknown_options": True}


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


def _run(platform: Any, points: Sequence[str]) -> tuple[dict[str, Any], list[str], int]:
    from bulk_lookup_dagster.core.money import format_usd
    from bulk_lookup_dagster.services.approvals import approve_automatically
    from bulk_lookup_dagster.services.point_plans import note_points, plan_points
    from bulk_lookup_dagster.services.reverse_geocoding import outcomes, run_points
    from bulk_lookup_dagster.services.settings import load_settings

    with frame.database(platform) as conn:
        plan = plan_points(conn, platform, points)
        head = {"plan_id": plan.plan_id, "due": plan.due, "max_micros": plan.max_micros}
        approved = plan.state != "waiting_approval" or approve_automatically(
            conn, plan, platform.environment, load_settings(conn)
        )
        if not approved:
            line = (
                f"Plan {plan.plan_id}: {plan.due:,} points, at most {format_usd(plan.max_micros)}."
                f" Next: bulk-lookup approve {plan.plan_id}, then the same command again."
            )
            return {**head, "state": "waiting_approval", "points": []}, [line], WAITS
        report, texts = (None, {}) if plan.state == "done" else run_points(platform, plan.plan_id)
        rows = outcomes(conn, note_points(conn, platform, points), texts)
    left = dict(report.left_due) if report else {}
    document = {
        **head,
        "state": "ran" if report else "nothing_due",
        "calls": report.requests if report else 0,
        "cost_micros": report.spent_micros if report else 0,
        "left_due": left,
        "stopped": dict(report.stopped) if report else {},
        "points": rows,
    }
    return document, _lines(rows, document), frame.run_code(left)


def _lines(rows: Sequence[Any], document: dict[str, Any]) -> list[str]:
    from bulk_lookup_dagster.core.money import format_usd

    columns = ("point", "state", "address", "address_from", "accuracy", "place_id", "error")
    cells = [["" if row[name] is None else row[name] for name in columns] for row in rows]
    return [
        *frame.table(columns, cells),
        f"{document['calls']:,} calls, {format_usd(document['cost_micros'])}.",
        *(f"{count} points stay due: {why}." for why, count in document["left_due"].items()),
        *(f"{name} was not asked to the end: {why}" for name, why in document["stopped"].items()),
    ]
