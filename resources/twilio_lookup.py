"""Twilio Lookup v2 as a Dagster resource; the client is elsewhere.

Belongs here: the vendor's name. Does not: requests (`twilio_lookup_client`), limits (settings).
"""

from resources.twilio_resource import TwilioResource


class TwilioLookupResource(TwilioResource):
    """Credentials of an account with Lookup v2."""

    provider = "twilio_lookup"
