"""The analyst's way in: `bulk-lookup analyst`.

Belongs here: what it prints. Does not: the address itself (`services.analyst`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import Json, Result


def analyst(
    show_password: Annotated[
        bool, typer.Option("--show-password", help="Print the embedded server's password too.")
    ] = False,
    json: Json = False,
) -> None:
    """Print the read-only connection for BI tools, psql and notebooks."""

    def action() -> Result:
        from bulk_lookup_dagster.services.analyst import (
            analyst_login,
            analyst_password,
            require_analyst,
        )

        platform = frame.open_platform()
        require_analyst(platform)
        login = analyst_login(platform)
        document = asdict(login)
        if show_password:
            document["password"] = analyst_password(platform)
        lines = [f"{name.replace('_', ' ')}: {value}" for name, value in document.items()]
        return Result(document, [*lines, login.command, "Questions: docs/analysts.md"])

    frame.execute(action, json)
