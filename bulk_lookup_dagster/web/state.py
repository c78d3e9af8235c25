"""What requests share: the database, the guard, the templates.

Belongs here: the holder and how a request finds it. Does not: anything per request.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from fastapi import Request
from fastapi.templating import Jinja2Templates

from bulk_lookup_dagster.services.analyst import AnalystLogin
from bulk_lookup_dagster.services.files import Files
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import ClientFactories
from bulk_lookup_dagster.web.database import Database
from bulk_lookup_dagster.web.guard import Guard


@dataclass(frozen=True)
class WebState:
    """One per application; made by `web.app.create_app`."""

    platform: Platform
    clients: ClientFactories
    environment: str
    files: Files
    timezone: str
    home: Path
    manifest: Path
    upload_limit: int
    analyst: AnalystLogin
    database: Database
    guard: Guard
    templates: Jinja2Templates


def state_of(request: Request) -> WebState:
    """The state of the application a request came to."""
    return cast("WebState", request.app.state.web)
