"""Twilio's deactivations as a Dagster resource; the client is elsewhere.

Belongs here: the vendor's name. Does not: requests (`twilio_deactivations_client`), limits
(settings).
"""

from resources.twilio_resource import TwilioResource


class TwilioDeactivationsResource(TwilioResource):
    """Credentials of an account that may send messages."""

    provider = "twilio_deactivations"
