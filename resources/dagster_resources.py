"""Every vendor's Dagster resource, one line each, named like the vendor in `registry`.

Belongs here: the list; it imports Dagster, so nothing that works without it reads this. Does not:
what a resource holds (one file each).
"""

from collections.abc import Mapping

from resources.census import CensusResource
from resources.clearbit import ClearbitResource
from resources.fcc import FccResource
from resources.google_address import GoogleAddressResource
from resources.google_geocoding import GoogleGeocodingResource
from resources.google_places import GooglePlacesResource
from resources.hunter import HunterResource
from resources.local import LocalResource
from resources.numverify import NumverifyResource
from resources.pdl import PdlResource
from resources.trestle import TrestleResource
from resources.truecaller import TruecallerResource
from resources.twilio_addons import TwilioAddonsResource
from resources.twilio_deactivations import TwilioDeactivationsResource
from resources.twilio_lookup import TwilioLookupResource
from resources.twilio_trust_hub import TwilioTrustHubResource
from resources.vendor_resource import VendorResource
from resources.verizon import VerizonResource
from resources.whitepages import WhitepagesResource
from resources.yelp import YelpResource
from resources.zerobounce import ZerobounceResource

RESOURCES: Mapping[str, type[VendorResource]] = {
    one.provider: one
    for one in (
        TwilioLookupResource,
        NumverifyResource,
        TrestleResource,
        ZerobounceResource,
        HunterResource,
        PdlResource,
        ClearbitResource,
        LocalResource,
        CensusResource,
        GoogleGeocodingResource,
        TwilioAddonsResource,
        TwilioDeactivationsResource,
        TwilioTrustHubResource,
        GoogleAddressResource,
        VerizonResource,
        FccResource,
        WhitepagesResource,
        TruecallerResource,
        GooglePlacesResource,
        YelpResource,
    )
}
