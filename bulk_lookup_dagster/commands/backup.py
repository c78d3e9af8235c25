"""Backup and restore of the databases."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import Json, Result


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that does not exist.")],
    json: Json = False,
) -> None:
    """Write both databases to a new folder; keep the secret key somewhere else."""

    def action() -> Result:
        from bulk_lookup_dagster.services.backup import back_up

        platform = frame.open_platform()
        manifest = back_up(platform, folder)
        key = platform.environment.home / "secret.key"
        lines = [
            f"Both databases are in {folder}.",
            f"The key is not: keep {key} (or BULK_LOOKUP_SECRET_KEY) somewhere else.",
        ]
        return Result({"folder": str(folder), **asdict(manifest)}, lines)

    frame.execute(action, json)


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder made by backup.")],
    json: Json = False,
) -> None:
    """Fill empty databases from a backup; every provider stays paused until you resume it."""

    def action() -> Result:
        from bulk_lookup_dagster.services import backup as backups
        from bulk_lookup_dagster.services.process import prepare

        manifest = backups.restore(prepare("cli"), folder, actor=frame.actor())
        lines = [
            f"Restored what was backed up at {manifest.taken_at}.",
            "What was bought since then is not known here and would be bought again: every provider"
            " is paused. Next: bulk-lookup status, then bulk-lookup resume PROVIDER.",
        ]
        return Result({"folder": str(folder), **asdict(manifest)}, lines)

    frame.execute(action, json)
