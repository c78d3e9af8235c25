"""Twilio Lookup v2 as a Dagster resource: credentials and address; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`twilio_lookup_client`), limits (settings).
"""

from typing import Any

from dagster import ConfigurableResource
from pydantic import Field

from bulk_lookup_dagster.core.settings import TwilioLookupSettings
from bulk_lookup_dagster.engine.provider import Disabled
from resources.twilio_lookup_client import (
    TwilioCredentials,
    TwilioLookupClient,
    make_client,
)

_SECRET: dict[str, Any] = {"dagster__is_secret": True}


class TwilioLookupResource(ConfigurableResource["TwilioLookupResource"]):
    """Credentials of Twilio Lookup. Without any pair the provider is disabled, never half-used."""

    api_key: str = Field(
        default="", description="API key SID (SK…), preferred.", json_schema_extra=_SECRET
    )
    api_secret: str = Field(
        default="", description="The API key's secret.", json_schema_extra=_SECRET
    )
    account_sid: str = Field(
        default="", description="Account SID (AC…).", json_schema_extra=_SECRET
    )
    auth_token: str = Field(default="", description="Its token.", json_schema_extra=_SECRET)
    base_url: str = Field(default="", description="Another address: a proxy, or the sandbox.")

    simulated: bool = Field(default=False, description="Only a sandbox on loopback may be asked.")

    def client(self, settings: TwilioLookupSettings) -> TwilioLookupClient | Disabled:
        """A client to open in the asset's own loop, or why the provider is disabled."""
        credentials = TwilioCredentials(
            self.api_key, self.api_secret, self.account_sid, self.auth_token
        )
        return make_client(credentials, self.base_url, settings, simulated=self.simulated)
