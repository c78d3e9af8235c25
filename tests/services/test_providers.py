"""What an account allows lowers our own limit, and never raises it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.core.vendor_settings import TwilioLookupSettings
from bulk_lookup_dagster.services.providers import provider_limits, within_account_limits
from resources.twilio_lookup_client import TwilioLookupClient
from tests.fakes.sandbox import SandboxProcess, running_sandbox

PACKAGES = ("line_type_intelligence", "caller_name")
OURS = TwilioLookupSettings().requests_per_second


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as started:
        yield started


def rate(url: str, packages: tuple[str, ...] = PACKAGES, batch_size: int = 0) -> float | None:
    async def read() -> float | None:
        auth = ("AC1", "fake")
        async with TwilioLookupClient(url, auth, batch_size=batch_size) as client:
            limits = provider_limits(Settings())
            lowered = await within_account_limits(limits, {client.name: client}, packages)
            return lowered[client.name].requests_per_second

    return asyncio.run(read())


def test_the_slowest_bucket_of_the_packages_asked_is_the_limit(sandbox: SandboxProcess) -> None:
    sandbox.control("PUT", "limits", {"line_type_intelligence": 30, "caller_name": 7})
    assert rate(sandbox.url) == 7
    assert rate(sandbox.url, ("line_type_intelligence",)) == 30
    assert rate(sandbox.url, ("sim_swap",)) == OURS


def test_a_batch_counts_every_number_it_holds(sandbox: SandboxProcess) -> None:
    sandbox.control("PUT", "limits", {"caller_name": 7})
    assert rate(sandbox.url, batch_size=10) == pytest.approx(0.7)


def test_an_account_that_allows_more_leaves_our_own_limit(sandbox: SandboxProcess) -> None:
    sandbox.control("PUT", "limits", {"caller_name": 5_000})
    assert rate(sandbox.url) == OURS


def test_a_vendor_that_does_not_tell_leaves_our_own_limit() -> None:
    assert rate("http://127.0.0.1:9") == OURS
