"""Twilio Lookup add-ons as a Dagster resource: credentials; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`twilio_addons_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class TwilioAddonsResource(VendorResource):
    """Credentials of the account in which the add-ons are installed."""

    provider = "twilio_addons"

    api_key: str = secret("API key SID (SK…), preferred.")
    api_secret: str = secret("The API key's secret.")
    account_sid: str = secret("Account SID (AC…).")
    auth_token: str = secret("Its token.")
