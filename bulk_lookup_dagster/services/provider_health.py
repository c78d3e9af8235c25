"""Whether a provider can be asked: credentials, version, limits and credits, without spending.

Belongs here: the finding of one vendor. Does not: the call itself (`Client.check`), the platform's
own health (see `doctor`).
"""

from __future__ import annotations

from contextlib import suppress

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.errors import AuthFailed, ConfigError, ProviderError
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.core.vendor_settings import VendorSettings
from bulk_lookup_dagster.engine.provider import Disabled
from bulk_lookup_dagster.services.findings import Finding
from bulk_lookup_dagster.services.providers import environment_client, vendor_settings
from resources.vendor import Client, Vendor

_NETWORK = "Run this again; if it stays so, check the way to the vendor and its status page."


async def provider_finding(environment: Environment, settings: Settings, entry: Vendor) -> Finding:
    """One vendor's finding; it makes the vendor's free call, and none where all cost."""
    block = vendor_settings(settings, entry.name)
    try:
        client = environment_client(environment, entry, block)
    except ConfigError as error:
        return Finding(entry.name, "fail", error.message, error.fix)
    if isinstance(client, Disabled):
        return _disabled(environment, client, block)
    if not entry.free_check:
        detail = "credentials are set; it has only paid calls, so it was not asked"
        return Finding(entry.name, "ok", _with_version(detail, entry))
    return await _asked(client, entry)


def _disabled(environment: Environment, client: Disabled, block: VendorSettings) -> Finding:
    if environment.simulated:
        return Finding(client.provider, "ok", client.reason)
    switch_on = f"Run: bulk-lookup settings set providers.{client.provider}.enabled true."
    fix = "See .env.example." if block.enabled else switch_on
    return Finding(client.provider, "warn", client.reason, fix)


async def _asked(client: Client, entry: Vendor) -> Finding:
    try:
        async with client:
            health = await client.check()
            rate = None
            with suppress(ProviderError):  # told to some accounts only
                rate = await client.account_rate(tuple(entry.operations))
    except ProviderError as error:
        variables = ", ".join(entry.variables.values())
        compare = f"Compare {variables} with the vendor's console: {entry.docs}."
        fix = compare if isinstance(error, AuthFailed) else error.fix or _NETWORK
        return Finding(entry.name, "fail", error.message, fix)
    detail = _with_version(health.detail, entry)
    if rate is not None:
        detail += f", allowed {rate:g} requests/s"
    if health.credits_left is not None:
        detail += f", {health.credits_left} credits left"
        if health.credits_left <= 0:
            return Finding(entry.name, "warn", detail, "Buy credits at the vendor.")
    return Finding(entry.name, "ok", detail)


def _with_version(detail: str, entry: Vendor) -> str:
    return f"{detail}, version {entry.version}"
