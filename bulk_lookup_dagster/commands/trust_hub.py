"""Trust Hub: what our own account has, and registering a business; only when somebody says so."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import Json, Result

trust_hub = typer.Typer(help="Twilio Trust Hub: your own account's profiles.", no_args_is_help=True)

Sid = Annotated[str, typer.Argument(help="Identifier of a profile: BU and 32 digits.")]
File = Annotated[
    Path,
    typer.Argument(
        exists=True, dir_okay=False, help="The business as JSON; see docs/trust-hub.md."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="You may register this business; do it.")]
Anew = Annotated[bool, typer.Option("--anew", help="Read the account first, free of charge.")]
_HEADERS = ("profile", "kind", "status", "policy", "score", "verify by", "name")


@trust_hub.command("list")
def list_profiles(anew: Anew = False, json: Json = False) -> None:
    """Every profile and trust product, as last read."""

    def action() -> Result:
        from bulk_lookup_dagster.services.trust_hub import read_trust_hub
        from bulk_lookup_dagster.services.trust_hub_profiles import profiles

        platform = frame.open_platform()
        stopped = asyncio.run(read_trust_hub(platform, anew=True)).stopped if anew else {}
        with frame.database(platform) as conn:
            found = profiles(conn)
        rows = [
            (
                *(one.sid, one.kind, one.status, one.policy or "unknown"),
                "-" if one.score is None else f"{one.score} %",
                "-" if one.reverify_at is None else f"{one.reverify_at:%Y-%m-%d}",
                one.friendly_name or "-",
            )
            for one in found
        ]
        lines = [f"{name} was not asked: {reason}" for name, reason in stopped.items()]
        lines += frame.table(_HEADERS, rows) if rows else ["Nothing was read: list --anew."]
        document = {"profiles": [one.as_json() for one in found], "stopped": stopped}
        return Result(document, lines)

    frame.execute(action, json)


@trust_hub.command()
def show(sid: Sid, json: Json = False) -> None:
    """One profile: checks passed and failed by field, business, products, companies."""

    def action() -> Result:
        from bulk_lookup_dagster.services.trust_hub_profiles import profile

        with frame.database() as conn:
            document = profile(conn, sid).as_json()
        lines = [
            f"{name.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}"
            for name, value in document.items()
            if value not in (None, [])
        ]
        return Result(document, lines)

    frame.execute(action, json)


@trust_hub.command()
def submit(file: File, yes: Yes = False, json: Json = False) -> None:
    """Register a business: make what is missing, evaluate, hand over to review. Can be resumed."""

    def action() -> Result:
        from bulk_lookup_dagster.core.errors import ApprovalNeeded
        from bulk_lookup_dagster.core.trust_hub_submission import read_submission
        from bulk_lookup_dagster.services.trust_hub_submissions import submit_profile

        submission = read_submission(file.read_bytes())
        if not yes:
            raise ApprovalNeeded(
                "This writes to Twilio: a profile, its end users and documents, and a review.",
                fix="Say --yes where the business is yours or has authorised you.",
            )
        platform = frame.open_platform()
        done = asyncio.run(submit_profile(platform, submission, frame.actor()))
        document = {"sid": done.sid, "status": done.status, "new": done.new}
        said = "was handed over to review" if done.new else "was handed over before"
        return Result(document, [f"{done.sid} {said}: {done.status}"])

    frame.execute(action, json)
