"""Vendor clients from credentials and settings, and the limits the engine holds them to.

Belongs here: which providers are usable, and why one is not. Does not: their clients (`resources`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.core.settings import Settings, TwilioLookupSettings
from bulk_lookup_dagster.engine.options import BreakerPolicy, ProviderLimits
from bulk_lookup_dagster.engine.provider import Provider
from resources.http import Timeouts
from resources.twilio_lookup_client import DEFAULT_BASE_URL, TwilioLookupClient
from resources.twilio_lookup_records import PROVIDER as TWILIO_LOOKUP

__all__ = ["Disabled", "open_providers", "provider_limits", "twilio_lookup_client", "usable"]


@dataclass(frozen=True, slots=True)
class Disabled:
    """A provider that is not asked, and why."""

    provider: str
    reason: str


def twilio_credentials(environment: Environment) -> tuple[str, str] | None:
    """API key and secret, else account SID and token; None where neither pair is set.

    Half a pair is an error: a pair is complete or absent, never mixed from two (F28).
    """
    found = None
    for user, password in (
        ("TWILIO_API_KEY", "TWILIO_API_SECRET"),
        ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
    ):
        pair = environment.credential(user), environment.credential(password)
        # An account SID alone is no half pair: it may stand beside an API key.
        if user == "TWILIO_ACCOUNT_SID" and found and not pair[1]:
            continue
        if any(pair) and not all(pair):
            raise ConfigError(
                f"Only one of {user} and {password} is set.", fix="Set both, or neither."
            )
        found = found or (pair if all(pair) else None)
    return found


def twilio_lookup_client(
    environment: Environment, settings: TwilioLookupSettings
) -> TwilioLookupClient | Disabled:
    """The client, not yet open, or why there is none."""
    if not settings.enabled:
        return Disabled(TWILIO_LOOKUP, "switched off in the settings")
    credentials = twilio_credentials(environment)
    if credentials is None:
        return Disabled(TWILIO_LOOKUP, "no credentials: set TWILIO_API_KEY and TWILIO_API_SECRET")
    return TwilioLookupClient(
        environment.base_url(TWILIO_LOOKUP, DEFAULT_BASE_URL),
        credentials,
        concurrency=settings.concurrency,
        timeouts=Timeouts(
            settings.connect_timeout_s, settings.read_timeout_s, settings.total_timeout_s
        ),
        batch_size=settings.batch_size,
    )


async def open_providers(
    stack: AsyncExitStack, environment: Environment, settings: Settings
) -> tuple[dict[str, Provider], list[Disabled]]:
    """Open every usable client for as long as `stack` lives."""
    client = twilio_lookup_client(environment, settings.providers.twilio_lookup)
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


def usable(environment: Environment, settings: Settings) -> dict[str, Any]:
    """Per provider: None where it can be asked, else the reason why not."""
    client = twilio_lookup_client(environment, settings.providers.twilio_lookup)
    return {TWILIO_LOOKUP: client.reason if isinstance(client, Disabled) else None}
