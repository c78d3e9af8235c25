"""ZeroBounce as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`zerobounce_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class ZerobounceResource(VendorResource):
    """The key of ZeroBounce."""

    provider = "zerobounce"

    api_key: str = secret("The API key.")
