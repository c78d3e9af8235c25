"""Every vendor the platform can ask. Whatever lists providers reads this.

Belongs here: one line per vendor, in the order people meet them. Does not: what is known about one
(`VENDOR` in its client's file).
"""

from __future__ import annotations

from collections.abc import Mapping

from bulk_lookup_dagster.core.errors import ConfigError
from resources import (
    census_client,
    clearbit_client,
    fcc_client,
    google_address_client,
    google_geocoding_client,
    google_places_client,
    hunter_client,
    local_client,
    numverify_client,
    pdl_client,
    trestle_client,
    truecaller_client,
    twilio_addons_client,
    twilio_deactivations_client,
    twilio_lookup_client,
    twilio_trust_hub_client,
    verizon_client,
    whitepages_client,
    yelp_client,
    zerobounce_client,
)
from resources.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (
    twilio_lookup_client.VENDOR,
    numverify_client.VENDOR,
    trestle_client.VENDOR,
    zerobounce_client.VENDOR,
    hunter_client.VENDOR,
    pdl_client.VENDOR,
    clearbit_client.VENDOR,
    local_client.VENDOR,
    census_client.VENDOR,
    google_geocoding_client.VENDOR,
    twilio_addons_client.VENDOR,
    twilio_deactivations_client.VENDOR,
    twilio_trust_hub_client.VENDOR,
    google_address_client.VENDOR,
    verizon_client.VENDOR,
    fcc_client.VENDOR,
    whitepages_client.VENDOR,
    truecaller_client.VENDOR,
    google_places_client.VENDOR,
    yelp_client.VENDOR,
)

REMOTE: tuple[Vendor, ...] = tuple(vendor for vendor in VENDORS if not vendor.is_local)
"""Those that are asked over the network."""

BY_NAME: Mapping[str, Vendor] = {vendor.name: vendor for vendor in VENDORS}


def vendor(name: str) -> Vendor:
    """The entry of a provider."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise ConfigError(
            f"There is no provider {name!r}.", fix=f"Providers: {', '.join(BY_NAME)}."
        ) from None
