"""Whether a provider can be asked: credentials, version, limits and credits, without spending.

Belongs here: the finding of one vendor. Does not: the call itself (`Client.check`), the platform's
own health (see `doctor`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.errors import AuthFailed, ConfigError, ProviderError
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.core.vendor_settings import VendorSettings
from bulk_lookup_dagster.engine.provider import Disabled
from bulk_lookup_dagster.services.findings import Finding
from bulk_lookup_dagster.services.providers import environment_client, vendor_settings
from resources.vendor import Client, Quota, Vendor

_NETWORK = "Run this again; if it stays so, check the way to the vendor and its status page."


@dataclass(frozen=True, slots=True)
class Look:
    """What became of looking at one vendor.

    `status`: asked (its free call was made), disabled, broken (set up wrongly), or only_paid (it
    can be asked, but not for nothing). `quota` is what an asked vendor told of its allowance.
    """

    finding: Finding
    status: Literal["asked", "disabled", "broken", "only_paid"]
    quota: Quota | None = None


async def look_at(environment: Environment, settings: Settings, entry: Vendor) -> Look:
    """One vendor; it makes the vendor's free call, and none where all cost."""
    block = vendor_settings(settings, entry.name)
    try:
        client = environment_client(environment, entry, block)
    except ConfigError as error:
        return Look(Finding(entry.name, "fail", error.message, error.fix), "broken")
    if isinstance(client, Disabled):
        return Look(_disabled(environment, client, block), "disabled")
    if not entry.free_check:
        detail = "credentials are set; it has only paid calls, so it was not asked"
        return Look(Finding(entry.name, "ok", with_version(detail, entry)), "only_paid")
    return await _asked(client, entry)


def _disabled(environment: Environment, client: Disabled, block: VendorSettings) -> Finding:
    if environment.simulated:
        return Finding(client.provider, "ok", client.reason)
    switch_on = f"Run: bulk-lookup settings set providers.{client.provider}.enabled true."
    fix = "See .env.example." if block.enabled else switch_on
    return Finding(client.provider, "warn", client.reason, fix)


async def _asked(client: Client, entry: Vendor) -> Look:
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
        return Look(Finding(entry.name, "fail", error.message, fix), "asked")
    detail = with_version(health.detail, entry)
    if rate is not None:
        detail += f", allowed {rate:g} requests/s"
    quota = health.quota
    if quota is not None:
        detail += f", {quota.remaining:,} {quota.unit} left"
        if quota.remaining <= 0:
            finding = Finding(entry.name, "warn", detail, "Buy credits at the vendor.")
            return Look(finding, "asked", quota)
    return Look(Finding(entry.name, "ok", detail), "asked", quota)


def with_version(detail: str, entry: Vendor) -> str:
    """A line that ends with what the client is written for."""
    return f"{detail}, version {entry.version}"
