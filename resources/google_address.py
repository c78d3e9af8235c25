"""Google Address Validation as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`google_address_client`), limits
(settings).
"""

from resources.vendor_resource import VendorResource, secret


class GoogleAddressResource(VendorResource):
    """The key of Google Address Validation."""

    provider = "google_address"

    api_key: str = secret("The API key, restricted to the Address Validation API.")
