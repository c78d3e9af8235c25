"""The US Census geocoder as a Dagster resource: it has no key; the client is elsewhere.

Belongs here: the resource's name. Does not: requests (`census_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource


class CensusResource(VendorResource):
    """The US Census geocoder: free, public, without credentials."""

    provider = "census"
