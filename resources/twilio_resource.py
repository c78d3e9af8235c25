"""The base of Twilio's Dagster resources: the account's credentials.

Belongs here: the fields. Does not: which API a resource is for (one file each), the names of their
variables (`twilio_account`).
"""

from resources.vendor_resource import VendorResource, secret


class TwilioResource(VendorResource):
    """Credentials of one account. Without a pair the provider is disabled, never half-used."""

    api_key: str = secret("API key SID (SK…), preferred.")
    api_secret: str = secret("The API key's secret.")
    account_sid: str = secret("Account SID (AC…).")
    auth_token: str = secret("Its token.")
