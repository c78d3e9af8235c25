"""Broadband coverage: importing what the FCC reports for states."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import Json, Result

States = Annotated[list[str], typer.Argument(help="States by their two digits: 04 is Arizona.")]


def coverage(states: States, json: Json = False) -> None:
    """Import the FCC's newest broadband availability of states, twice a year."""

    def action() -> Result:
        from bulk_lookup_dagster.services.fcc_import import import_state

        platform = frame.open_platform()
        done = {state: asyncio.run(import_state(platform, state)) for state in states}
        document = {
            state: {"as_of": one.as_of.isoformat(), "rows": one.rows, "new": one.new}
            for state, one in done.items()
        }
        lines = [
            f"{state}: release {one.as_of}, {one.rows} rows"
            + ("" if one.new else " (was imported before)")
            for state, one in done.items()
        ]
        return Result(document, lines)

    frame.execute(action, json)
