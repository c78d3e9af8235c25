"""One Chromium for all tests, and the web app over the story's marts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import MartsBuild
from bulk_lookup_dagster.web.app import create_app
from tests.fakes.browser import chromium
from tests.fakes.served import served


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=60_000)
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def address(marts_platform: Platform, build: MartsBuild) -> Iterator[str]:
    with served(create_app(marts_platform)) as found:
        yield found
