"""The FCC's Broadband Data Collection as a Dagster resource; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`fcc_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class FccResource(VendorResource):
    """An FCC account with an API token."""

    provider = "fcc"

    username: str = secret("The account's e-mail address.")
    hash_value: str = secret("Token of Manage API Access, 44 characters.")
