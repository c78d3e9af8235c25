"""People Data Labs as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`pdl_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class PdlResource(VendorResource):
    """The key of People Data Labs."""

    provider = "pdl"

    api_key: str = secret("The API key.")
