"""How vendors are asked: one block of settings per vendor, over one base class.

Belongs here: a vendor's toggle, rate, time-outs, circuit and price overrides, with its defaults.
Does not: money, steps and files (see `core.settings`), credentials (see `core.variables`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from bulk_lookup_dagster.core.document import Document

Package = Literal[
    "validation",
    "caller_name",
    "line_type_intelligence",
    "line_status",
    "sim_swap",
    "call_forwarding",
    "identity_match",
    "reassigned_number",
    "sms_pumping_risk",
    "phone_number_quality_score",
    "pre_fill",
]
Usd = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=13, decimal_places=6)]
Rate = Annotated[
    float | None,
    Field(gt=0, le=10_000, description="Shared by all processes; null = no limit of ours."),
]
Concurrency = Annotated[int, Field(ge=1, le=500, description="Requests at once, per process.")]
Attempts = Annotated[int, Field(ge=1, le=10, description="Calls for one request while unbilled.")]
ConnectSeconds = Annotated[float, Field(gt=0, le=60, description="Seconds to connect.")]
PollSeconds = Annotated[
    int,
    Field(ge=1, le=600, description="Seconds until what is still running is asked for again."),
]
ReadSeconds = Annotated[float, Field(gt=0, le=600, description="Seconds between two reads.")]
TotalSeconds = Annotated[float, Field(gt=0, le=3600, description="Seconds for a whole exchange.")]


class BreakerSettings(Document):
    """When a provider's circuit opens."""

    failures: int = Field(
        default=5, ge=1, le=1000, description="Failed calls in the window that open it."
    )
    window_s: int = Field(
        default=30, ge=1, le=3600, description="Seconds over which calls are counted."
    )
    cool_off_s: int = Field(
        default=15, ge=1, le=3600, description="Seconds until one probe is let through."
    )


class VendorSettings(Document):
    """What every vendor's block has; `priced` names what it bills."""

    priced: ClassVar[tuple[str, ...]] = ()

    enabled: bool = Field(default=True, description="Off: nothing is asked, its work stays due.")
    requests_per_second: Rate = 10.0
    concurrency: Concurrency = 20
    attempts: Attempts = 3
    connect_timeout_s: ConnectSeconds = 5.0
    read_timeout_s: ReadSeconds = 10.0
    total_timeout_s: TotalSeconds = 15.0
    breaker: BreakerSettings = Field(default=BreakerSettings(), description="When to stop asking.")
    price_overrides_usd: dict[str, Usd] = Field(
        default={}, description="Your own price per operation; needed where none is published."
    )

    @field_validator("price_overrides_usd")
    @classmethod
    def _billed(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        known = ", ".join(map(repr, cls.priced))
        refused = PydanticCustomError("operation", "write one of {known}", {"known": known})
        unknown = [
            InitErrorDetails(type=refused, loc=(name,), input=name)
            for name in value
            if name not in cls.priced
        ]
        if unknown:
            raise ValidationError.from_exception_data(cls.__name__, unknown)
        return value


class TwilioLookupSettings(VendorSettings):
    """How Twilio Lookup v2 is asked."""

    priced = get_args(Package)

    packages: tuple[Package, ...] = Field(
        default=("line_type_intelligence", "caller_name"),
        description="Packages bought for each number, asked together.",
        min_length=1,
    )
    requests_per_second: Rate = 50.0
    concurrency: Concurrency = 50
    attempts: Attempts = 6
    batch_size: int = Field(
        default=0, ge=0, le=1000, description="Numbers per batch request; 0 = batch endpoint off."
    )
    read_timeout_s: ReadSeconds = 25.0
    total_timeout_s: TotalSeconds = 30.0

    @field_validator("packages")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("a package is named twice")
        return value


class NumverifySettings(VendorSettings):
    """How NumVerify is asked."""

    priced = ("validate",)

    edition: Literal["apilayer", "marketplace"] = Field(
        default="apilayer",
        description="Whose key: apilayer.net takes it in the address, the marketplace in a header.",
    )


class TrestleSettings(VendorSettings):
    """How Trestle is asked; self-serve accounts have 10 requests a second."""

    priced = ("reverse_phone", "phone_intel")


class ZerobounceSettings(VendorSettings):
    """How ZeroBounce is asked; 20 batches a minute, and whoever asks faster is blocked."""

    priced = ("validate",)

    batch_size: int = Field(default=100, ge=1, le=100, description="Addresses per request.")
    patience_s: int = Field(
        default=120, ge=10, le=120, description="Seconds the vendor may take over a batch."
    )
    requests_per_second: Rate = 0.33
    concurrency: Concurrency = 10
    attempts: Attempts = 2
    read_timeout_s: ReadSeconds = 130.0
    total_timeout_s: TotalSeconds = 135.0
    breaker: BreakerSettings = Field(
        default=BreakerSettings(failures=3, cool_off_s=60), description="When to stop asking."
    )


class HunterSettings(VendorSettings):
    """How Hunter is asked: 500 requests a minute, 300 verifications; 5 a second keeps to both."""

    priced = ("email_finder", "email_verifier", "people", "companies")

    poll_s: PollSeconds = 5
    requests_per_second: Rate = 5.0
    attempts: Attempts = 2
    read_timeout_s: ReadSeconds = 25.0
    total_timeout_s: TotalSeconds = 30.0


class PdlSettings(VendorSettings):
    """How People Data Labs is asked; free accounts have 100 requests a minute, others 1,000."""

    priced = ("person", "person_email", "company")

    min_likelihood: int = Field(
        default=6, ge=1, le=10, description="A match less likely than this is none, and free."
    )


class ClearbitSettings(VendorSettings):
    """How Clearbit's legacy API is asked."""

    priced = ("company", "person", "combined")

    poll_s: PollSeconds = 5
    webhook_url: str = Field(
        default="",
        max_length=300,
        pattern=r"^(https?://[^\s]+)?$",
        description="Where Clearbit may post what it had queued; empty = it is polled.",
    )


class LocalSettings(VendorSettings):
    """How the rules of our own are asked: they leave the process nowhere."""

    priced = ("email_guess", "caller_name")

    requests_per_second: Rate = None
    concurrency: Concurrency = 1


class CensusSettings(VendorSettings):
    """How the US Census batch geocoder is asked: rarely, and a full file takes it minutes."""

    priced = ("geocode",)

    batch_size: int = Field(
        default=10_000, ge=1, le=10_000, description="Addresses per file; it takes 10,000."
    )
    requests_per_second: Rate = 1.0
    concurrency: Concurrency = 2
    connect_timeout_s: ConnectSeconds = 10.0
    read_timeout_s: ReadSeconds = 600.0
    total_timeout_s: TotalSeconds = 900.0


class GoogleGeocodingSettings(VendorSettings):
    """How Google Geocoding is asked; v4 allows 25 requests a second by default."""

    priced = ("geocode", "reverse_geocode")

    version: Literal["v4", "v3"] = Field(
        default="v4", description="v3 puts the key and what is asked into the URL."
    )
    requests_per_second: Rate = 25.0


AddonName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]


class TwilioAddonsSettings(VendorSettings):
    """How add-ons of Twilio Lookup v1 are asked; the names are those given when installing."""

    priced = ("real_phone_validation", "icehook_scout")

    real_phone_validation_name: AddonName = Field(
        default="realphonevalidation_rpvturbo", description="Its unique name in your account."
    )
    icehook_scout_name: AddonName = Field(
        default="icehook_scout", description="Its unique name in your account."
    )
    read_timeout_s: ReadSeconds = 20.0
    total_timeout_s: TotalSeconds = 30.0


class TwilioDeactivationsSettings(VendorSettings):
    """How Twilio's daily deactivations are asked: one file a day."""

    priced = ("deactivations",)

    requests_per_second: Rate = 1.0
    concurrency: Concurrency = 2
    read_timeout_s: ReadSeconds = 60.0
    total_timeout_s: TotalSeconds = 300.0


class TwilioTrustHubSettings(VendorSettings):
    """How Twilio Trust Hub is asked; Twilio publishes no limit of it."""

    priced = ("listing", "profile", "evaluation", "assignments", "business", "review")

    reverify_days: int = Field(
        default=90, ge=1, le=3650, description="Days until an approved profile is verified anew."
    )
    callback_url: str = Field(
        default="",
        max_length=300,
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Where Twilio reaches /callbacks/twilio_trust_hub; empty = it is only polled.",
    )
    poll_s: int = Field(
        default=3_600, ge=1, le=86_400, description="Seconds until a review is looked at again."
    )
    requests_per_second: Rate = 10.0
    concurrency: Concurrency = 5


class GoogleAddressSettings(VendorSettings):
    """How Google Address Validation is asked."""

    priced = ("validate_address",)


class VerizonSettings(VendorSettings):
    """How Verizon ThingSpace is asked: 10,000 addresses a day and account."""

    priced = ("fwa_qualification",)

    requests_per_second: Rate = 5.0
    concurrency: Concurrency = 5


class FccSettings(VendorSettings):
    """How the FCC's files are fetched: ten calls a minute and account."""

    requests_per_second: Rate = 10 / 60
    concurrency: Concurrency = 1
    connect_timeout_s: ConnectSeconds = 10.0
    read_timeout_s: ReadSeconds = 300.0
    total_timeout_s: TotalSeconds = 1_800.0


class WhitepagesSettings(VendorSettings):
    """How Whitepages is asked."""

    priced = ("person",)

    requests_per_second: Rate = 5.0
    concurrency: Concurrency = 5


class TruecallerSettings(VendorSettings):
    """How the adapter of a private contract with Truecaller is asked; without one it is off."""

    priced = ("owner",)

    requests_per_second: Rate = 5.0
    concurrency: Concurrency = 5


class GooglePlacesSettings(VendorSettings):
    """How Google Places is asked: a page per request."""

    priced = ("search", "search_more", "zipcode_area", "place_id")

    concurrency: Concurrency = 10


class YelpSettings(VendorSettings):
    """How Yelp is asked: trial accounts have 300 calls a day."""

    priced = ("search", "search_more")

    requests_per_second: Rate = 5.0
    concurrency: Concurrency = 5


class ProviderSettings(Document):
    """One block per provider, named like the vendor in `resources.registry`."""

    twilio_lookup: TwilioLookupSettings = Field(
        default=TwilioLookupSettings(), description="Twilio Lookup v2."
    )
    numverify: NumverifySettings = Field(default=NumverifySettings(), description="NumVerify.")
    trestle: TrestleSettings = Field(default=TrestleSettings(), description="Trestle.")
    zerobounce: ZerobounceSettings = Field(default=ZerobounceSettings(), description="ZeroBounce.")
    hunter: HunterSettings = Field(default=HunterSettings(), description="Hunter.")
    pdl: PdlSettings = Field(default=PdlSettings(), description="People Data Labs.")
    clearbit: ClearbitSettings = Field(
        default=ClearbitSettings(), description="Clearbit, with a key from before 2024."
    )
    local: LocalSettings = Field(default=LocalSettings(), description="Rules of our own.")
    census: CensusSettings = Field(default=CensusSettings(), description="US Census geocoder.")
    google_geocoding: GoogleGeocodingSettings = Field(
        default=GoogleGeocodingSettings(), description="Google Geocoding."
    )
    twilio_addons: TwilioAddonsSettings = Field(
        default=TwilioAddonsSettings(), description="Add-ons of Twilio Lookup v1."
    )
    twilio_deactivations: TwilioDeactivationsSettings = Field(
        default=TwilioDeactivationsSettings(), description="Twilio's daily deactivations."
    )
    twilio_trust_hub: TwilioTrustHubSettings = Field(
        default=TwilioTrustHubSettings(), description="Twilio Trust Hub."
    )
    google_address: GoogleAddressSettings = Field(
        default=GoogleAddressSettings(), description="Google Address Validation."
    )
    verizon: VerizonSettings = Field(default=VerizonSettings(), description="Verizon ThingSpace.")
    fcc: FccSettings = Field(default=FccSettings(), description="FCC broadband data.")
    whitepages: WhitepagesSettings = Field(default=WhitepagesSettings(), description="Whitepages.")
    truecaller: TruecallerSettings = Field(
        default=TruecallerSettings(), description="Truecaller, for holders of a private contract."
    )
    google_places: GooglePlacesSettings = Field(
        default=GooglePlacesSettings(), description="Google Places."
    )
    yelp: YelpSettings = Field(default=YelpSettings(), description="Yelp.")


def _is_provider(name: str) -> str:
    known = ProviderSettings.model_fields
    if name not in known:
        raise ValueError(f"write one of {', '.join(map(repr, known))}")
    return name


ProviderName = Annotated[str, AfterValidator(_is_provider)]
