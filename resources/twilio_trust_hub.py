"""Twilio Trust Hub as a Dagster resource; the client is elsewhere.

Belongs here: the vendor's name. Does not: requests (`twilio_trust_hub_client`), limits (settings).
"""

from resources.twilio_resource import TwilioResource


class TwilioTrustHubResource(TwilioResource):
    """Credentials of the account whose profiles are read; call-backs need its auth token."""

    provider = "twilio_trust_hub"
