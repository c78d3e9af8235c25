"""Hunter as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`hunter_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class HunterResource(VendorResource):
    """The key of Hunter."""

    provider = "hunter"

    api_key: str = secret("The API key.")
