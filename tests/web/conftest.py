"""The web app on a real socket over the story's marts, and over whatever a test asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import MartsBuild
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from bulk_lookup_dagster.web.app import create_app
from tests.fakes.served import served

Open = Callable[..., httpx.Client]


@pytest.fixture
def open_web() -> Iterator[Open]:
    """Serve a platform and return a client that accepts pages."""
    with ExitStack() as stack:

        def open_one(platform: Platform, **options: Any) -> httpx.Client:
            address = stack.enter_context(served(create_app(platform, **options)))
            client = httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=30)
            return stack.enter_context(client)

        yield open_one


@pytest.fixture
def web(marts_platform: Platform, build: MartsBuild, open_web: Open) -> httpx.Client:
    """The app over the story's marts."""
    return open_web(marts_platform)


@pytest.fixture
def analyst_web(
    postgres: EmbeddedServer,
    marts_database: str,
    marts_platform: Platform,
    build: MartsBuild,
    open_web: Open,
) -> httpx.Client:
    """The app over the story's marts, with the rights of an analyst alone."""
    analyst = postgres.dsn(marts_database, roles.ANALYST)
    return open_web(dataclasses.replace(marts_platform, dsn=analyst))
