"""What commands that plan, approve and run in one go say of a plan about named subjects.

Belongs here: the approval by policy and the document. Does not: what a row is (each command).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import WAITS

if TYPE_CHECKING:
    import psycopg

    from bulk_lookup_dagster.engine.options import RunReport
    from bulk_lookup_dagster.services.instance import Platform
    from bulk_lookup_dagster.services.plans import Plan

Told = tuple[dict[str, Any], list[str], int]
"""A command's document, lines and exit code."""


def is_approved(conn: psycopg.Connection[Any], platform: Platform, plan: Plan) -> bool:
    """Whether a plan may run: by a person, by policy just now, or because nothing is due."""
    from bulk_lookup_dagster.services.approvals import approve_automatically
    from bulk_lookup_dagster.services.settings import load_settings

    return plan.state != "waiting_approval" or approve_automatically(
        conn, plan, platform.environment, load_settings(conn)
    )


def waiting(plan: Plan, rows_name: str, what: str) -> Told:
    """A plan that a person must approve; `what` are the questions it counts."""
    from bulk_lookup_dagster.core.money import format_usd

    line = (
        f"Plan {plan.plan_id}: {plan.due:,} {what}, at most {format_usd(plan.max_micros)}."
        f" Next: bulk-lookup approve {plan.plan_id}, then the same command again."
    )
    return {**_head(plan), "state": "waiting_approval", rows_name: []}, [line], WAITS


def ran(
    plan: Plan,
    report: RunReport | None,
    rows_name: str,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
) -> Told:
    """What a run did, none where nothing was due, and what is known of each subject."""
    from bulk_lookup_dagster.core.money import format_usd

    left = dict(report.left_due) if report else {}
    document = {
        **_head(plan),
        "state": "ran" if report else "nothing_due",
        "calls": report.requests if report else 0,
        "cost_micros": report.spent_micros if report else 0,
        "left_due": left,
        "stopped": dict(report.stopped) if report else {},
        rows_name: rows,
    }
    cells = [["" if row[name] is None else row[name] for name in columns] for row in rows]
    lines = [
        *frame.table(columns, cells),
        f"{document['calls']:,} calls, {format_usd(document['cost_micros'])}.",
        *reasons(document),
    ]
    return document, lines, frame.run_code(left)


def reasons(document: Mapping[str, Any]) -> list[str]:
    """What a run left unasked, and why."""
    return [
        *(f"{count} questions stay due: {why}." for why, count in document["left_due"].items()),
        *(f"{name} was not asked to the end: {why}" for name, why in document["stopped"].items()),
    ]


def _head(plan: Plan) -> dict[str, Any]:
    return {"plan_id": plan.plan_id, "due": plan.due, "max_micros": plan.max_micros}
