"""Google Geocoding as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`google_geocoding_client`), limits
(settings).
"""

from resources.vendor_resource import VendorResource, secret


class GoogleGeocodingResource(VendorResource):
    """The key of Google Geocoding."""

    provider = "google_geocoding"

    api_key: str = secret("The API key, restricted to the Geocoding API.")
