"""The base of the vendors' Dagster resources: credentials and address, and the client from them.

Belongs here: what all of them share. Does not: a vendor's credentials (one file each, some ten
lines), requests (`NAME_client`), limits (settings).
https://docs.dagster.io/guides/build/external-resources
"""

from typing import Any, ClassVar

from dagster import ConfigurableResource
from pydantic import Field

from bulk_lookup_dagster.core.vendor_settings import VendorSettings
from bulk_lookup_dagster.engine.provider import Disabled
from resources.registry import vendor
from resources.vendor import Client


def secret(description: str) -> Any:
    """A credential: '' when unset, hidden in Dagster's pages."""
    return Field(
        default="", description=description, json_schema_extra={"dagster__is_secret": True}
    )


class VendorResource(ConfigurableResource["VendorResource"]):
    """Credentials of one vendor. Without a complete set the provider is disabled."""

    provider: ClassVar[str]

    base_url: str = Field(default="", description="Another address: a proxy, or the sandbox.")
    simulated: bool = Field(default=False, description="Only a sandbox on loopback may be asked.")

    def client(self, settings: VendorSettings) -> Client | Disabled:
        """A client to open in the asset's own loop, or why the provider is disabled."""
        entry = vendor(self.provider)
        credentials = {name: getattr(self, name) for name in entry.variables}
        return entry.make(credentials, self.base_url, settings, simulated=self.simulated)
