"""Vendor clients from credentials and settings, and the limits the engine holds them to.

Belongs here: which providers are usable, and why one is not. Does not: their clients (`resources`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.errors import ProviderError
from bulk_lookup_dagster.core.settings import Settings, TwilioLookupSettings
from bulk_lookup_dagster.engine.options import BreakerPolicy, ProviderLimits
from bulk_lookup_dagster.engine.provider import Disabled, Provider
from resources.twilio_lookup_client import (
    TwilioCredentials,
    TwilioLookupClient,
    make_client,
)
from resources.twilio_lookup_records import PROVIDER as TWILIO_LOOKUP

_LIMITS_SECONDS = 10
TwilioFactory = Callable[[TwilioLookupSettings], TwilioLookupClient | Disabled]


def twilio_lookup_client(
    environment: Environment, settings: TwilioLookupSettings
) -> TwilioLookupClient | Disabled:
    """The client as the environment's credentials make it, not yet open, or why there is none."""
    credentials = TwilioCredentials(
        api_key=environment.credential("TWILIO_API_KEY"),
        api_secret=environment.credential("TWILIO_API_SECRET"),
        account_sid=environment.credential("TWILIO_ACCOUNT_SID"),
        auth_token=environment.credential("TWILIO_AUTH_TOKEN"),
    )
    base_url = environment.credential("TWILIO_LOOKUP_BASE_URL")
    return make_client(credentials, base_url, settings, simulated=environment.simulated)


async def open_providers(
    stack: AsyncExitStack, settings: Settings, twilio: TwilioFactory
) -> tuple[dict[str, Provider], list[Disabled]]:
    """Open every usable client for as long as `stack` lives."""
    client = twilio(settings.providers.twilio_lookup)
    if isinstance(client, Disabled):
        return {}, [client]
    return {TWILIO_LOOKUP: await stack.enter_async_context(client)}, []


def provider_limits(settings: Settings) -> Mapping[str, ProviderLimits]:
    """Rate, concurrency and circuit of every provider."""
    twilio = settings.providers.twilio_lookup
    return {
        TWILIO_LOOKUP: ProviderLimits(
            requests_per_second=twilio.requests_per_second,
            concurrency=twilio.concurrency,
            attempts=twilio.attempts,
            breaker=BreakerPolicy(
                failures=twilio.breaker.failures,
                window=timedelta(seconds=twilio.breaker.window_s),
                cool_off=timedelta(seconds=twilio.breaker.cool_off_s),
            ),
        )
    }


async def within_account_limits(
    limits: Mapping[str, ProviderLimits],
    providers: Mapping[str, Provider],
    packages: Collection[str],
) -> dict[str, ProviderLimits]:
    """The same limits, lowered to what the vendors allow this account where they tell.

    A vendor that does not tell is asked at the settings' rate, and says 429 when that is too fast.
    """
    lowered = dict(limits)
    for name, provider in providers.items():
        if not isinstance(provider, TwilioLookupClient):
            continue
        try:
            async with asyncio.timeout(_LIMITS_SECONDS):
                rate = await provider.account_rate(packages)
        except (ProviderError, TimeoutError):
            continue
        ours = limits[name].requests_per_second
        if rate is not None and (ours is None or rate < ours):
            lowered[name] = replace(limits[name], requests_per_second=rate)
    return lowered


def usable(environment: Environment, settings: Settings) -> dict[str, Any]:
    """Per provider: None where it can be asked, else the reason why not."""
    client = twilio_lookup_client(environment, settings.providers.twilio_lookup)
    return {TWILIO_LOOKUP: client.reason if isinstance(client, Disabled) else None}
