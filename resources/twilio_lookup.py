"""Twilio Lookup v2 as a Dagster resource: credentials; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`twilio_lookup_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class TwilioLookupResource(VendorResource):
    """Credentials of Twilio Lookup. Without any pair the provider is disabled, never half-used."""

    provider = "twilio_lookup"

    api_key: str = secret("API key SID (SK…), preferred.")
    api_secret: str = secret("The API key's secret.")
    account_sid: str = secret("Account SID (AC…).")
    auth_token: str = secret("Its token.")
