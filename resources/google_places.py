"""Google Places as a Dagster resource: its key; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`google_places_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class GooglePlacesResource(VendorResource):
    """The key of Google Places."""

    provider = "google_places"

    api_key: str = secret("The API key, restricted to Places API (New).")
