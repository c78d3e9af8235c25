"""Twilio Lookup add-ons as a Dagster resource; the client is elsewhere.

Belongs here: the vendor's name. Does not: requests (`twilio_addons_client`), limits (settings).
"""

from resources.twilio_resource import TwilioResource


class TwilioAddonsResource(TwilioResource):
    """Credentials of the account in which the add-ons are installed."""

    provider = "twilio_addons"
