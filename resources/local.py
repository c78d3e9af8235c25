"""Local rules as a Dagster resource: nothing to configure; the rules are elsewhere.

Belongs here: the resource's fields. Does not: rules (`core.email_patterns`), answers
(`local_client`).
"""

from resources.vendor_resource import VendorResource


class LocalResource(VendorResource):
    """Rules of our own, in the place of a vendor."""

    provider = "local"
