"""NumVerify as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`numverify_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class NumverifyResource(VendorResource):
    """The key of NumVerify."""

    provider = "numverify"

    api_key: str = secret("The access key.")
