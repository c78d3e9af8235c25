"""Truecaller as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`truecaller_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class TruecallerResource(VendorResource):
    """The key of the adapter of a private contract with Truecaller."""

    provider = "truecaller"

    api_key: str = secret("The adapter's key.")
