"""Twilio's deactivations as a Dagster resource: credentials; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`twilio_deactivations_client`), limits
(settings).
"""

from resources.vendor_resource import VendorResource, secret


class TwilioDeactivationsResource(VendorResource):
    """Credentials of an account that may send messages."""

    provider = "twilio_deactivations"

    api_key: str = secret("API key SID (SK…), preferred.")
    api_secret: str = secret("The API key's secret.")
    account_sid: str = secret("Account SID (AC…).")
    auth_token: str = secret("Its token.")
