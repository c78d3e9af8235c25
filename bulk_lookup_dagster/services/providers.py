"""Vendor clients from credentials and settings, and the limits the engine holds them to.

Belongs here: which providers are usable, and why one is not. Does not: their clients (`resources`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.errors import ConfigError, ProviderError
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.core.vendor_settings import VendorSettings
from bulk_lookup_dagster.engine.options import BreakerPolicy, ProviderLimits
from bulk_lookup_dagster.engine.provider import Disabled, Provider
from resources.businesses import ComparesPhones, PhoneBook
from resources.oauth import NeedsTokens, TokenSource
from resources.registry import VENDORS
from resources.vendor import Client, TellsRate, Vendor

_LIMITS_SECONDS = 10
ClientFactory = Callable[[Any], Client | Disabled]
ClientFactories = Mapping[str, ClientFactory]


def vendor_settings(settings: Settings, name: str) -> VendorSettings:
    """A vendor's block of the settings."""
    block: VendorSettings = getattr(settings.providers, name)
    return block


def base_url(environment: Environment, entry: Vendor) -> str:
    """Another address of a vendor, '' where none is set or there is nobody to address."""
    return "" if entry.is_local else environment.credential(entry.base_url_variable)


def environment_client(
    environment: Environment, entry: Vendor, settings: VendorSettings
) -> Client | Disabled:
    """The client as the environment's credentials make it, not yet open, or why there is none."""
    credentials = {
        name: environment.credential(variable) for name, variable in entry.variables.items()
    }
    address = base_url(environment, entry)
    return entry.make(credentials, address, settings, simulated=environment.simulated)


def environment_clients(environment: Environment) -> ClientFactories:
    """How each vendor's client is made from the environment."""
    return {entry.name: partial(environment_client, environment, entry) for entry in VENDORS}


def parsers(settings: Settings) -> dict[str, Provider]:
    """What reads each vendor's stored parts; asks nobody."""
    return {entry.name: entry.parser(vendor_settings(settings, entry.name)) for entry in VENDORS}


async def open_providers(
    stack: AsyncExitStack,
    settings: Settings,
    clients: ClientFactories,
    names: Collection[str] | None = None,
    tokens: TokenSource | None = None,
    phone_book: PhoneBook | None = None,
) -> tuple[dict[str, Provider], list[Disabled]]:
    """Open every usable client, or those of `names`, for as long as `stack` lives.

    A vendor that is set up wrongly is disabled with the reason; the others are asked. `tokens` is
    where clients that need them share them, `phone_book` what they compare businesses with.
    """
    providers: dict[str, Provider] = {}
    disabled: list[Disabled] = []
    for entry in VENDORS:
        if names is not None and entry.name not in names:
            continue
        factory = clients.get(entry.name)
        if factory is None:
            disabled.append(Disabled(entry.name, "no resource of this environment makes it"))
            continue
        try:
            client = factory(vendor_settings(settings, entry.name))
        except ConfigError as error:
            client = Disabled(entry.name, str(error))
        if isinstance(client, Disabled):
            disabled.append(client)
        else:
            if tokens is not None and isinstance(client, NeedsTokens):
                client.use_tokens(tokens)
            if phone_book is not None and isinstance(client, ComparesPhones):
                client.use_phone_book(phone_book)
            providers[entry.name] = await stack.enter_async_context(client)
    return providers, disabled


def provider_limits(settings: Settings) -> Mapping[str, ProviderLimits]:
    """Rate, concurrency and circuit of every provider."""
    return {entry.name: _limits(vendor_settings(settings, entry.name)) for entry in VENDORS}


def _limits(block: VendorSettings) -> ProviderLimits:
    return ProviderLimits(
        requests_per_second=block.requests_per_second,
        concurrency=block.concurrency,
        attempts=block.attempts,
        breaker=BreakerPolicy(
            failures=block.breaker.failures,
            window=timedelta(seconds=block.breaker.window_s),
            cool_off=timedelta(seconds=block.breaker.cool_off_s),
        ),
    )


async def within_account_limits(
    limits: Mapping[str, ProviderLimits],
    providers: Mapping[str, Provider],
    operations: Collection[str],
) -> dict[str, ProviderLimits]:
    """The same limits, lowered to what the vendors allow this account where they tell.

    A vendor that does not tell is asked at the settings' rate, and says 429 when that is too fast.
    """
    rates = await asyncio.gather(
        *(_account_rate(provider, operations) for provider in providers.values())
    )
    lowered = dict(limits)
    for name, rate in zip(providers, rates, strict=True):
        ours = limits[name].requests_per_second
        if rate is not None and (ours is None or rate < ours):
            lowered[name] = replace(limits[name], requests_per_second=rate)
    return lowered


async def _account_rate(provider: Provider, operations: Collection[str]) -> float | None:
    if not isinstance(provider, TellsRate):
        return None
    try:
        async with asyncio.timeout(_LIMITS_SECONDS):
            return await provider.account_rate(operations)
    except (ProviderError, TimeoutError):
        return None


def usable(environment: Environment, settings: Settings) -> dict[str, str | None]:
    """Per provider: None where it can be asked, else the reason why not."""
    reasons: dict[str, str | None] = {}
    for name, factory in environment_clients(environment).items():
        try:
            client = factory(vendor_settings(settings, name))
        except ConfigError as error:
            client = Disabled(name, str(error))
        reasons[name] = client.reason if isinstance(client, Disabled) else None
    return reasons
