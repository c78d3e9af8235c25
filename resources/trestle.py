"""Trestle as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`trestle_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class TrestleResource(VendorResource):
    """The key of Trestle."""

    provider = "trestle"

    api_key: str = secret("The API key.")
