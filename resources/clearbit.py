"""Clearbit as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`clearbit_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class ClearbitResource(VendorResource):
    """The key of Clearbit's legacy API."""

    provider = "clearbit"

    api_key: str = secret("The secret API key of an account from before 2024.")
