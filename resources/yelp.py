"""Yelp as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`yelp_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class YelpResource(VendorResource):
    """The key of Yelp."""

    provider = "yelp"

    api_key: str = secret("The API key.")
