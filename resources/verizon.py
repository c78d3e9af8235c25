"""Verizon ThingSpace as a Dagster resource: credentials; the client is elsewhere.

Belongs here: the resource's fields. Does not: requests (`verizon_client`), limits (settings).
"""

from resources.vendor_resource import VendorResource, secret


class VerizonResource(VendorResource):
    """Credentials of a ThingSpace contract with the Intelligence service."""

    provider = "verizon"

    api_key: str = secret("The application's key.")
    api_secret: str = secret("The application's secret.")
    username: str = secret("UWS user name.")
    password: str = secret("UWS password.")
    account_name: str = secret("Account, with leading zeros.")
    callback_password: str = secret("What the call-back was registered with.")
