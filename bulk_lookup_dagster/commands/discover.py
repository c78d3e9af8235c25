"""Discovery: which businesses ZIP codes have, and which of them we know."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bulk_lookup_dagster.commands import frame, subject_plans
from bulk_lookup_dagster.commands.frame import FAILED, Json, Result

Zipcodes = Annotated[list[str] | None, typer.Argument(metavar="[ZIP]...", help="ZIP codes.")]
File = Annotated[
    Path | None, typer.Option(help="A text file with more, one a line.", dir_okay=False)
]
Limit = Annotated[
    int, typer.Option(min=1, max=1_000, help="Businesses of a ZIP code that are enough.")
]
Type = Annotated[str, typer.Option("--type", help="Kind of business, such as dentist.")]
Refresh = Annotated[
    bool, typer.Option("--refresh-ids", help="Ask for Google's ids of a year's age again; free.")
]

_COLUMNS = ("zipcode", "business_type", "provider", "state", "found", "new", "matched",
            "skipped", "duration_ms", "error", "retry_at")  # fmt: skip


def discover(
    zipcodes: Zipcodes = None,
    file: File = None,
    limit: Limit = 60,
    business_type: Type = "",
    refresh_ids: Refresh = False,
    json: Json = False,
) -> None:
    """Find the businesses of ZIP codes under an approved plan; ids and counts are kept."""

    def action() -> Result:
        if refresh_ids:
            return _refresh(alone=not zipcodes and file is None)
        return _discover(zipcodes or [], file, limit, business_type)

    frame.execute(action, json)


def _refresh(*, alone: bool) -> Result:
    from bulk_lookup_dagster.core.errors import InputError
    from bulk_lookup_dagster.services.business_ids import refresh_ids
    from bulk_lookup_dagster.services.simulation import with_sandbox

    if not alone:
        raise InputError("Ids are refreshed whatever their ZIP codes.", fix="Name no ZIP code.")
    with with_sandbox(frame.open_platform()) as platform:
        done = asyncio.run(refresh_ids(platform))
    report = done.report
    document = {
        **{name: getattr(done, name) for name in ("due", "confirmed", "replaced", "gone")},
        "calls": report.requests,
        "failed": dict(report.failed),
        "left_due": dict(report.left_due),
        "stopped": dict(report.stopped),
    }
    line = (
        f"{done.due:,} ids were due: {done.confirmed:,} are the same, {done.replaced:,} were"
        f" replaced, {done.gone:,} are gone; {report.requests:,} calls."
    )
    asked_to_the_end = not report.failed and not report.stopped
    code = frame.run_code(document["left_due"]) if asked_to_the_end else FAILED
    return Result(document, [line, *subject_plans.reasons(document)], code)


def _discover(zipcodes: Sequence[str], file: Path | None, limit: int, business_type: str) -> Result:
    from bulk_lookup_dagster.core.business_types import business_type as named
    from bulk_lookup_dagster.core.subjects import ZipcodeKey
    from bulk_lookup_dagster.core.zipcodes import REASONS
    from bulk_lookup_dagster.services.simulation import with_sandbox

    kind = named(business_type).name
    accepted, refused = _read(zipcodes, file)
    keys = [ZipcodeKey(zipcode, kind) for zipcode in accepted]
    with with_sandbox(frame.open_platform()) as platform:
        document, lines, code = _run(platform, keys, limit)
    document["refused"] = [
        {"zipcode": text, "reason": reason, "meaning": REASONS[reason]} for text, reason in refused
    ]
    lines += [f"Refused {text!r}: {REASONS[reason]}." for text, reason in refused]
    return Result(document, lines, code)


def _read(zipcodes: Sequence[str], file: Path | None) -> Any:
    """Accepted and refused ZIP codes; raises where none can be accepted."""
    from bulk_lookup_dagster.core.errors import InputError
    from bulk_lookup_dagster.core.zipcodes import REASONS, read_zipcodes

    lines = frame.read_lines(file, "ZIP code") if file else []
    read = read_zipcodes([*zipcodes, *(line for line in lines if line.strip())])
    if not read.accepted:
        reasons = "; ".join(f"{text!r}: {REASONS[reason]}" for text, reason in read.refused[:20])
        raise InputError(f"No ZIP code was given. {reasons}".strip(), fix="Write five digits each.")
    return read


def _run(platform: Any, keys: Sequence[Any], limit: int) -> subject_plans.Told:
    from bulk_lookup_dagster.services.discovery import outcomes, run_discovery
    from bulk_lookup_dagster.services.discovery_plans import note_requests, plan_discovery

    with frame.database(platform) as conn:
        plan = plan_discovery(conn, platform, keys, limit)
        if not subject_plans.is_approved(conn, platform, plan):
            return subject_plans.waiting(plan, "requests", "requests to start with")
        report = None if plan.state == "done" else run_discovery(platform, plan.plan_id)
        rows = outcomes(conn, note_requests(conn, platform, keys))
    return subject_plans.ran(plan, report, "requests", rows, _COLUMNS)
