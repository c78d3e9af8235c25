"""`bulk-lookup`: the platform from the command line.

Belongs here: the list of commands. Does not: what they do (`commands`).
"""

from __future__ import annotations

import typer

from bulk_lookup_dagster.commands import (
    analyst,
    backup,
    coverage,
    deletion,
    discover,
    doctor,
    files,
    housekeeping,
    match_models,
    matching,
    money,
    platform,
    provenance,
    reverse_geocode,
    trust_hub,
)

app = typer.Typer(
    help="Clean, look up and cost files of phone numbers, never paying twice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    platform.demo,
    platform.up,
    platform.down,
    doctor.doctor,
    files.upload,
    files.rejects,
    money.plan,
    money.approve,
    platform.run,
    platform.status,
    money.refresh,
    money.replay,
    files.export,
    deletion.delete,
    coverage.coverage,
    discover.discover,
    backup.backup,
    backup.restore,
    housekeeping.housekeeping,
    money.pause,
    money.resume,
    analyst.analyst,
    provenance.why,
    provenance.pin,
    provenance.unpin,
):
    app.command()(command)
app.command(context_settings=reverse_geocode.CONTEXT)(reverse_geocode.reverse_geocode)
matching.matching.command()(match_models.shadow)
matching.matching.command()(match_models.activate)
matching.matching.command()(match_models.export_splink)
app.add_typer(matching.matching, name="matching")
app.add_typer(money.unknowns, name="unknowns")
app.add_typer(trust_hub.trust_hub, name="trust-hub")
app.add_typer(platform.settings, name="settings")
app.add_typer(platform.db, name="db")


def main() -> None:
    """Run the command line."""
    app()
