"""Plans, approvals, unknown outcomes, refresh, providers: everything about buying."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.files import UploadId
from bulk_lookup_dagster.commands.frame import WAITS, Json, Result

unknowns = typer.Typer(
    help="Questions whose outcome is unknown: list, ask again, write off.",
    invoke_without_command=True,
)
Claims = Annotated[list[int] | None, typer.Argument(metavar="[CLAIM]...", help="Claim numbers.")]
Everything = Annotated[bool, typer.Option("--all", help="All of them.")]


def plan(upload_id: UploadId, json: Json = False) -> None:
    """What looking an upload's numbers up would cost; calls nobody."""

    def action() -> Result:
        from bulk_lookup_dagster.core.money import format_usd
        from bulk_lookup_dagster.services.plans import make_plan
        from bulk_lookup_dagster.services.settings import load_settings

        platform = frame.open_platform()
        with frame.database(platform) as conn:
            made = make_plan(conn, upload_id, load_settings(conn), platform)
        estimate = made.estimate
        names = ("step", "provider", "operation", "due", "expected", "cached", "held", "failed")
        money = ("price_micros", "p10_micros", "p50_micros", "p90_micros", "max_micros")
        rows = [
            [line[name] for name in names] + [format_usd(line[name]) for name in money]
            for line in estimate["lines"]
        ]
        headers = [*names, "price", "p10", "p50", "p90", "max"]
        lines = [
            f"Plan {made.plan_id} of upload {upload_id}: {made.due:,} questions in"
            f" {estimate['requests']:,} requests",
            *frame.table(headers, rows),
            f"p10 {format_usd(estimate['p10_micros'])}, p50 {format_usd(estimate['p50_micros'])},"
            f" p90 {format_usd(estimate['p90_micros'])}, at most {format_usd(made.max_micros)};"
            f" about {estimate['duration_s']:g} s, slowest limit {estimate['slowest_limit']};"
            f" {estimate['duplicates']:,} repeated rows cost nothing.",
            *(f"{name} is off: {why}" for name, why in estimate["disabled"].items() if why),
            *(
                f"{one['step']} skips {one['skipped']:,}: {one['skipped_because']}"
                for one in estimate["steps"]
                if one["skipped_because"]
            ),
            *(
                f"{one['step']} does not ask {left['provider']} about up to"
                f" {left['questions']:,}: {left['because']}"
                for one in estimate["steps"]
                for left in one["left_out"]
            ),
            "Nothing is left to buy."
            if made.state == "done"
            else f"Next: bulk-lookup approve {made.plan_id} [--cap-usd X]",
        ]
        document: dict[str, Any] = {
            "plan_id": made.plan_id,
            "upload_id": upload_id,
            "state": made.state,
            **estimate,
        }
        return Result(document, lines)

    frame.execute(action, json)


def approve(
    plan_id: Annotated[int, typer.Argument(metavar="PLAN", help="Number of the plan.")],
    cap_usd: Annotated[
        str | None, typer.Option(help="Hard cap in dollars; default the plan's maximum.")
    ] = None,
    json: Json = False,
) -> None:
    """Approve a plan: from then on up to its cap may be spent."""

    def action() -> Result:
        from bulk_lookup_dagster.core.money import micros_from_usd
        from bulk_lookup_dagster.services.approvals import approve_plan

        cap = None if cap_usd is None else micros_from_usd(cap_usd)
        with frame.database() as conn:
            approved = approve_plan(conn, plan_id, actor=frame.actor(), cap_micros=cap)
        return Result(approved, [f"Plan {plan_id} is approved up to {approved['cap']}."])

    frame.execute(action, json)


@unknowns.callback()
def _unknowns(context: typer.Context, json: Json = False) -> None:
    """Without a sub-command: list."""
    if context.invoked_subcommand is None:
        list_unknowns(json=json)


@unknowns.command("list")
def list_unknowns(
    after: Annotated[int, typer.Option(help="Go on after this claim.")] = 0, json: Json = False
) -> None:
    """Claims whose request was sent and whose answer never came; held money counts as spent."""

    def action() -> Result:
        from bulk_lookup_dagster.core.money import format_usd
        from bulk_lookup_dagster.engine.operator import list_unknowns as listed

        with frame.database() as conn:
            claims = listed(conn, after=after)
        rows = [
            (c.claim_id, c.provider, c.operation, format_usd(c.held_micros), c.error_class, c.since)
            for c in claims
        ]
        headers = ("claim", "provider", "operation", "held", "why", "since")
        document = [
            {
                "claim_id": c.claim_id,
                "provider": c.provider,
                "operation": c.operation,
                "held_micros": c.held_micros,
                "error_class": c.error_class,
                "since": c.since.isoformat(),
            }
            for c in claims
        ]
        lines = frame.table(headers, rows) if rows else ["No outcome is unknown."]
        return Result({"unknowns": document}, lines)

    frame.execute(action, json)


@unknowns.command("ask-again")
def ask_again(claims: Claims = None, every: Everything = False, json: Json = False) -> None:
    """Make unknown claims due again, knowing that they may be billed twice."""
    frame.execute(lambda: _clear("ask_again", claims, every), json)


@unknowns.command("write-off")
def write_off(claims: Claims = None, every: Everything = False, json: Json = False) -> None:
    """Give unknown claims up: never asked again, the held money stays spent."""
    frame.execute(lambda: _clear("write_off", claims, every), json)


def _clear(how: str, claims: list[int] | None, every: bool) -> Result:
    from bulk_lookup_dagster.core.errors import InputError
    from bulk_lookup_dagster.engine import operator

    if bool(claims) == every:
        raise InputError("Name claims, or --all.", fix="List them: bulk-lookup unknowns list.")
    move = {"ask_again": operator.ask_again, "write_off": operator.write_off}[how]
    with frame.database() as conn:
        moved = move(conn, actor=frame.actor(), claim_ids=claims or None)
    return Result({"moved": moved}, [f"{moved} claims: {how.replace('_', ' ')}."])


def refresh(
    upload_id: UploadId,
    package: Annotated[list[str], typer.Option(help="Package to buy again; repeatable.")],
    older_than_days: Annotated[int, typer.Option(help="Only answers older than this.")] = 0,
    json: Json = False,
) -> None:
    """Plan to buy answers again; nothing is bought until the plan is approved."""

    def action() -> Result:
        from bulk_lookup_dagster.core.money import format_usd
        from bulk_lookup_dagster.services.refresh import plan_refresh

        before = datetime.now(UTC) - timedelta(days=older_than_days)
        made = plan_refresh(frame.open_platform(), upload_id, package, before)
        document = {"plan_id": made.plan_id, "due": made.due, "max_micros": made.max_micros}
        line = (
            f"Plan {made.plan_id}: {made.due:,} questions again, at most"
            f" {format_usd(made.max_micros)}. Next: bulk-lookup approve {made.plan_id}"
        )
        return Result(document, [line], WAITS)

    frame.execute(action, json)


def replay(json: Json = False) -> None:
    """Rebuild every value from stored answers; asks nobody and changes nothing else."""

    def action() -> Result:
        from bulk_lookup_dagster.services.refresh import replay_steps

        report = replay_steps(frame.open_platform())
        document = {
            "rebuilt": report.rebuilt,
            "refused": report.refused,
            "not_replayed": dict(report.not_replayed),
        }
        return Result(document, [f"{name}: {value}" for name, value in document.items()])

    frame.execute(action, json)


class _Move(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"


def _provider(move: _Move, provider: str, reason: str = "") -> Result:
    from bulk_lookup_dagster.core.errors import InputError
    from bulk_lookup_dagster.core.vendor_settings import ProviderSettings
    from bulk_lookup_dagster.engine import operator

    if provider not in ProviderSettings.model_fields:
        known = ", ".join(ProviderSettings.model_fields)
        raise InputError(f"There is no provider {provider!r}.", fix=f"Providers: {known}.")
    with frame.database() as conn:
        if move is _Move.PAUSE:
            operator.pause_provider(conn, provider, actor=frame.actor(), reason=reason)
        else:
            operator.resume_provider(conn, provider, actor=frame.actor())
    return Result({"provider": provider, "state": f"{move}d"}, [f"{provider} is {move}d."])


Provider = Annotated[str, typer.Argument(metavar="PROVIDER", help="Such as twilio_lookup.")]


def pause(
    provider: Provider,
    reason: Annotated[str, typer.Option(help="Why, for the others.")] = "",
    json: Json = False,
) -> None:
    """Ask a provider nothing until it is resumed; its work stays due."""
    frame.execute(lambda: _provider(_Move.PAUSE, provider, reason), json)


def resume(provider: Provider, json: Json = False) -> None:
    """Ask a paused or stopped provider again, and close its circuits."""
    frame.execute(lambda: _provider(_Move.RESUME, provider), json)
