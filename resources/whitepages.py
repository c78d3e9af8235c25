"""Whitepages as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`whitepages_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class WhitepagesResource(VendorResource):
    """The key of Whitepages."""

    provider = "whitepages"

    api_key: str = secret("The API key.")
