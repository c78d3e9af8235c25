"""Discovery: which businesses ZIP codes have, and which of them we know."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import FAILED, WAITS, Json, Result

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
    return Result(document, [line, *_reasons(document)], code)


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


def _run(platform: Any, keys: Sequence[Any], limit: int) -> tuple[dict[str, Any], list[str], int]:
    from bulk_lookup_dagster.core.money import format_usd
    from bulk_lookup_dagster.services.approvals import approve_automatically
    from bulk_lookup_dagster.services.discovery import outcomes, run_discovery
    from bulk_lookup_dagster.services.discovery_plans import note_requests, plan_discovery
    from bulk_lookup_dagster.services.settings import load_settings

    with frame.database(platform) as conn:
        plan = plan_discovery(conn, platform, keys, limit)
        head = {"plan_id": plan.plan_id, "due": plan.due, "max_micros": plan.max_micros}
        approved = plan.state != "waiting_approval" or approve_automatically(
            conn, plan, platform.environment, load_settings(conn)
        )
        if not approved:
            line = (
                f"Plan {plan.plan_id}: {plan.due:,} requests to start with, at most"
                f" {format_usd(plan.max_micros)}. Next: bulk-lookup approve {plan.plan_id}, then"
                " the same command again."
            )
            return {**head, "state": "waiting_approval", "requests": []}, [line], WAITS
        report = None if plan.state == "done" else run_discovery(platform, plan.plan_id)
        rows = outcomes(conn, note_requests(conn, platform, keys))
    left = dict(report.left_due) if report else {}
    document = {
        **head,
        "state": "ran" if report else "nothing_due",
        "calls": report.requests if report else 0,
        "cost_micros": report.spent_micros if report else 0,
        "left_due": left,
        "stopped": dict(report.stopped) if report else {},
        "requests": rows,
    }
    return document, _lines(rows, document), frame.run_code(left)


def _lines(rows: Sequence[Any], document: dict[str, Any]) -> list[str]:
    from bulk_lookup_dagster.core.money import format_usd

    columns = ("zipcode", "business_type", "provider", "state", "found", "new", "matched",
               "skipped", "duration_ms", "error", "retry_at")  # fmt: skip
    cells = [["" if row[name] is None else row[name] for name in columns] for row in rows]
    return [
        *frame.table(columns, cells),
        f"{document['calls']:,} calls, {format_usd(document['cost_micros'])}.",
        *_reasons(document),
    ]


def _reasons(document: dict[str, Any]) -> list[str]:
    return [
        *(f"{count} questions stay due: {why}." for why, count in document["left_due"].items()),
        *(f"{name} was not asked to the end: {why}" for name, why in document["stopped"].items()),
    ]
