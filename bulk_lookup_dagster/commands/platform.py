"""The platform as a whole: demo, up, down, run, status, settings, db."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import DONE, FAILED, WAITS, Json, Result

settings = typer.Typer(help="Every toggle, order, threshold and limit.", no_args_is_help=True)
db = typer.Typer(help="The database itself.", no_args_is_help=True)


def demo(json: Json = False) -> None:
    """Run the whole platform on a made-up file, against the sandbox."""

    def action() -> Result:
        from rich.console import Console

        from bulk_lookup_dagster.definitions import build_defs
        from bulk_lookup_dagster.services import demo_report
        from bulk_lookup_dagster.services.demo import run_demo

        platform = frame.open_platform()
        try:
            with demo_report.progress(Console(stderr=True)) as step:
                report = run_demo(
                    platform, lambda made: build_defs("demo", overrides=made), step=step
                )
        finally:
            platform.stop()
        if not json:
            demo_report.show(report, Console())
        return Result(demo_report.as_json(report))

    frame.execute(action, json)


def up(
    dashboard_port: Annotated[int, typer.Option(help="Port of the dashboard.")] = 8000,
    dagster_port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    json: Json = False,
) -> None:
    """Start database, Dagster, web app (and the sandbox in demo); Ctrl-C or `down` stops them."""

    def action() -> Result:
        from bulk_lookup_dagster.services.supervisor import up as start_all

        def announce(addresses: Any) -> None:
            import orjson

            lines = [f"{name}: {address}" for name, address in addresses.items()]
            text = orjson.dumps(dict(addresses)).decode() if json else "\n".join(lines)
            typer.echo(text)
            sys.stdout.flush()

        start_all(
            frame.open_platform(),
            announce,
            dashboard_port=dashboard_port,
            dagster_port=dagster_port,
        )
        raise typer.Exit(DONE)

    frame.execute(action, json)


def down(json: Json = False) -> None:
    """Stop everything `up` started, the embedded database included."""

    def action() -> Result:
        import os

        from bulk_lookup_dagster.services.process import prepare
        from bulk_lookup_dagster.services.supervisor import down as stop_all

        prepare("cli")
        was_up = stop_all(os.environ)
        return Result({"was_up": was_up}, ["Stopped." if was_up else "Nothing was running."])

    frame.execute(action, json)


def run(
    plan_id: Annotated[int | None, typer.Option("--plan", help="Only this plan.")] = None,
    marts: Annotated[bool, typer.Option(help="Build the marts afterwards.")] = True,
    json: Json = False,
) -> None:
    """Run approved plans here and now, through the same Dagster jobs the sensors start."""

    def action() -> Result:
        from bulk_lookup_dagster.commands.runs import run_plans

        outcome = run_plans(frame.open_platform(), plan_id, build=marts)
        undone = outcome["failed"] or outcome["left_due"]
        code = FAILED if undone else WAITS if outcome["waiting"] else DONE
        lines = [
            f"{outcome['batches']} batches, {outcome['zipcodes']} ZIP codes,"
            f" {outcome['paid_calls']:,} paid calls, {outcome['cost']}.",
            *(f"Failed: {name}" for name in outcome["failed"]),
            *(
                f"Plan {one['plan_id']}: {one['questions']:,} questions stay due ({one['reason']});"
                " the next run asks them."
                for one in outcome["left_due"]
            ),
            *(f"Waits: {words}" for words in outcome["waiting"]),
        ]
        return Result(outcome, lines, code)

    frame.execute(action, json)


def status(json: Json = False) -> None:
    """Work, money, providers, unknown outcomes, and what waits for a person."""

    def action() -> Result:
        from bulk_lookup_dagster.core.money import format_usd
        from bulk_lookup_dagster.services.status import platform_status

        with frame.database() as conn:
            now = platform_status(conn)
        lines = [f"uploads {now.uploads}  batches {now.batches}  quarantined {now.quarantined}"]
        lines += [f"{provider}: {states}" for provider, states in now.claims.items()]
        lines += [
            f"plan {p['plan_id']} ({p['kind']}, upload {p['upload_id']}): {p['state']},"
            f" {p['due']} due, spent {format_usd(p['spent_micros'] or 0)} of"
            f" {format_usd(p['cap_micros'] or p['max_micros'] or 0)}"
            for p in now.plans
        ]
        lines += [
            f"run {r.run_id}: {r.done:,} of {r.planned:,}"
            + ("" if r.eta_s is None else f", about {r.eta_s:.0f} s to go")
            for r in now.running
        ]
        lines += [
            f"{provider}: {held['count']} unknown, {format_usd(held['held_micros'])} held:"
            " bulk-lookup unknowns list"
            for provider, held in now.unknown.items()
        ]
        lines += [
            f"{name} {why}: bulk-lookup resume {name}"
            for name, why in now.stopped_providers.items()
        ]
        lines += [
            f"{one.provider} {one.endpoint}: circuit {one.state} since {one.opened_at:%H:%M} UTC:"
            f" bulk-lookup resume {one.provider}"
            for one in now.circuits
        ]
        return Result(now.as_json(), lines)

    frame.execute(action, json)


@settings.command("show")
def show_settings(json: Json = False) -> None:
    """The document in force."""

    def action() -> Result:
        from bulk_lookup_dagster.services.settings import load_settings

        with frame.database() as conn:
            document = load_settings(conn).model_dump(mode="json")
        return Result(document, _flat(document))

    frame.execute(action, json)


def _flat(document: dict[str, Any], prefix: str = "") -> list[str]:
    lines = []
    for name, value in document.items():
        if isinstance(value, dict) and value:
            lines += _flat(value, f"{prefix}{name}.")
        else:
            lines.append(f"{prefix}{name} = {value}")
    return lines


@settings.command("set")
def set_setting(
    path: Annotated[str, typer.Argument(help="Such as providers.twilio_lookup.concurrency.")],
    value: Annotated[str, typer.Argument(help="JSON, or text.")],
    json: Json = False,
) -> None:
    """Change one setting; runs that start later use it."""

    def action() -> Result:
        from bulk_lookup_dagster.services.settings import change_settings, settings_history

        with frame.database() as conn:
            change_settings(conn, path, value, frame.actor())
            note = settings_history(conn, 1)[0].note
        return Result({"changed": note}, [note])

    frame.execute(action, json)


@settings.command("history")
def history(json: Json = False) -> None:
    """Who changed what, and when."""

    def action() -> Result:
        from bulk_lookup_dagster.services.settings import settings_history

        with frame.database() as conn:
            versions = settings_history(conn)
        rows = [(v.changed_at.isoformat(), v.changed_by, v.note) for v in versions]
        document = [
            dict(zip(("changed_at", "changed_by", "note"), row, strict=True)) for row in rows
        ]
        return Result({"history": document}, frame.table(("when", "who", "what"), rows))

    frame.execute(action, json)


@db.command("upgrade")
def upgrade(json: Json = False) -> None:
    """Bring the schema up to date."""

    def action() -> Result:
        from bulk_lookup_dagster.storage import migrate

        revision = migrate.current(frame.open_platform().migration_dsn)
        return Result({"revision": revision}, [f"The schema is at {revision}."])

    frame.execute(action, json)


@db.command("provision")
def provision_server(
    admin_url: Annotated[str, typer.Argument(help="postgresql:// address of an administrator.")],
    database: Annotated[str, typer.Option(help="Name of the platform's database.")] = "bulk_lookup",
    json: Json = False,
) -> None:
    """Make roles and databases on a server of yours; prints the variables to set, once."""

    def action() -> Result:
        from bulk_lookup_dagster.services.provision import provision

        made = provision(admin_url, database=database)
        lines = [f"{name}={value}" for name, value in made.variables.items()]
        lines += [] if lines else ["Every role existed already and keeps its password."]
        return Result({"variables": dict(made.variables)}, lines)

    frame.execute(action, json)
