"""The registry of environment variables; `.env.example` is generated from it.

Belongs here: name, meaning, example. Does not: how a value is checked (`core.environment`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Variable:
    """One environment variable.

    `internal` variables are set by the platform for its own child processes, never by people;
    `credential` marks what a vendor is paid by: secret, and never used in the demo, whose
    simulator takes `sandbox` in its place.
    """

    name: str
    section: str
    meaning: str
    default: str = ""
    secret: bool = False
    internal: bool = False
    credential: bool = False
    sandbox: str = ""


_PLATFORM = "Platform"
_BUCKET = "Bucket (BULK_LOOKUP_FILES=s3://…)"
_DATABASE = "Database"
_WEB = "Web"
_TWILIO = "Twilio"
_NUMVERIFY = "NumVerify"
_TRESTLE = "Trestle"
_ZEROBOUNCE = "ZeroBounce"
_HUNTER = "Hunter"
_PDL = "People Data Labs"
_CLEARBIT = "Clearbit (legacy keys)"
_CENSUS = "US Census geocoder"
_GOOGLE_GEOCODING = "Google Geocoding"
_GOOGLE_ADDRESS = "Google Address Validation"
_VERIZON = "Verizon ThingSpace"
_FCC = "FCC Broadband Data Collection"
_WHITEPAGES = "Whitepages"
_TRUECALLER = "Truecaller"
_GOOGLE_PLACES = "Google Places"
_YELP = "Yelp"
_SERVICE = "Error reports"
_CHILDREN = "Set by the platform for its child processes"


def _credential(name: str, section: str, meaning: str, sandbox: str = "sandbox") -> Variable:
    return Variable(name, section, meaning, secret=True, credential=True, sandbox=sandbox)


def _address(name: str, section: str, default: str) -> Variable:
    return Variable(name, section, "Another address of the API: a proxy, or the sandbox.", default)


VARIABLES = (
    Variable(
        "BULK_LOOKUP_ENV",
        _PLATFORM,
        "demo (sandbox providers), local, staging or production. A database belongs to one.",
        "local",
    ),
    Variable(
        "BULK_LOOKUP_HOME",
        _PLATFORM,
        "Folder of the embedded database, keys and files; by default .bulk_lookup/<environment> "
        "in the checkout.",
    ),
    Variable(
        "BULK_LOOKUP_FILES",
        _PLATFORM,
        "Where uploads and exports live: a folder as file:///… or a bucket as s3://…; "
        "by default <home>/files.",
    ),
    Variable("BULK_LOOKUP_TIMEZONE", _PLATFORM, "The business day's time zone.", "UTC"),
    Variable(
        "BULK_LOOKUP_SECRET_KEY",
        _PLATFORM,
        "32 bytes as hex or base64. Made at first start and kept in <home>/secret.key when not "
        "set. Back it up apart from the database: without it nothing is recognised again.",
        secret=True,
    ),
    Variable(
        "AUTO_APPROVE_USD",
        _PLATFORM,
        "Plans up to this cost run without a person's approval; 'unlimited' for no limit. "
        "By default unlimited in demo, 5 in local, 0 in staging and production.",
    ),
    Variable("BULK_LOOKUP_LOG_LEVEL", _PLATFORM, "debug, info, warning or error.", "info"),
    Variable("AWS_ACCESS_KEY_ID", _BUCKET, "Key of the bucket.", secret=True),
    Variable("AWS_SECRET_ACCESS_KEY", _BUCKET, "Its secret.", secret=True),
    Variable("AWS_SESSION_TOKEN", _BUCKET, "Only with temporary keys.", secret=True),
    Variable("AWS_REGION", _BUCKET, "The bucket's region."),
    Variable("AWS_DEFAULT_REGION", _BUCKET, "The same, where AWS_REGION is not set."),
    Variable("AWS_ENDPOINT_URL", _BUCKET, "Address of a service that is not Amazon's."),
    Variable(
        "DATABASE_URL",
        _DATABASE,
        "postgresql://user:password@host:5432/database (15 or newer, no transaction pooler). "
        "Without it the platform starts its own server.",
        secret=True,
    ),
    Variable(
        "DAGSTER_DATABASE_URL",
        _DATABASE,
        "Dagster's own database; by default <database>_dagster on the same server.",
        secret=True,
    ),
    Variable(
        "MIGRATION_DATABASE_URL",
        _DATABASE,
        "The same database as the role that owns the tables; by default DATABASE_URL.",
        secret=True,
    ),
    Variable("PG_BIN", _DATABASE, "Folder of PostgreSQL's programs for the embedded server."),
    Variable(
        "BULK_LOOKUP_OPERATOR_TOKEN",
        _WEB,
        "Bearer token for approvals and uploads from anywhere but this machine.",
        secret=True,
    ),
    _credential("TWILIO_ACCOUNT_SID", _TWILIO, "Account SID (AC…).", "AC" + "0" * 32),
    _credential("TWILIO_AUTH_TOKEN", _TWILIO, "Its token; not needed with an API key."),
    _credential("TWILIO_API_KEY", _TWILIO, "API key SID (SK…), preferred.", ""),
    _credential("TWILIO_API_SECRET", _TWILIO, "The API key's secret.", ""),
    _address("TWILIO_LOOKUP_BASE_URL", _TWILIO, "https://lookups.twilio.com"),
    _address("TWILIO_ADDONS_BASE_URL", _TWILIO, "https://lookups.twilio.com"),
    _address("TWILIO_DEACTIVATIONS_BASE_URL", _TWILIO, "https://messaging.twilio.com"),
    _address("TWILIO_TRUST_HUB_BASE_URL", _TWILIO, "https://trusthub.twilio.com"),
    _credential("NUMVERIFY_API_KEY", _NUMVERIFY, "The access key."),
    _address("NUMVERIFY_BASE_URL", _NUMVERIFY, "https://apilayer.net/api"),
    _credential("TRESTLE_API_KEY", _TRESTLE, "The API key."),
    _address("TRESTLE_BASE_URL", _TRESTLE, "https://api.trestleiq.com"),
    _credential("ZEROBOUNCE_API_KEY", _ZEROBOUNCE, "The API key."),
    _address("ZEROBOUNCE_BASE_URL", _ZEROBOUNCE, "https://api.zerobounce.net/v2"),
    _credential("HUNTER_API_KEY", _HUNTER, "The API key."),
    _address("HUNTER_BASE_URL", _HUNTER, "https://api.hunter.io/v2"),
    _credential("PDL_API_KEY", _PDL, "The API key."),
    _address("PDL_BASE_URL", _PDL, "https://api.peopledatalabs.com/v5"),
    _credential("CLEARBIT_API_KEY", _CLEARBIT, "The secret key of an account from before 2024."),
    _address("CLEARBIT_BASE_URL", _CLEARBIT, "https://person.clearbit.com/v2"),
    _address("CENSUS_BASE_URL", _CENSUS, "https://geocoding.geo.census.gov/geocoder"),
    _credential("GOOGLE_GEOCODING_API_KEY", _GOOGLE_GEOCODING, "The API key."),
    _address("GOOGLE_GEOCODING_BASE_URL", _GOOGLE_GEOCODING, "https://geocode.googleapis.com"),
    _credential("GOOGLE_ADDRESS_API_KEY", _GOOGLE_ADDRESS, "The API key."),
    _address(
        "GOOGLE_ADDRESS_BASE_URL", _GOOGLE_ADDRESS, "https://addressvalidation.googleapis.com"
    ),
    _credential("VERIZON_API_KEY", _VERIZON, "The application's key."),
    _credential("VERIZON_API_SECRET", _VERIZON, "The application's secret."),
    _credential("VERIZON_USERNAME", _VERIZON, "UWS user name."),
    _credential("VERIZON_PASSWORD", _VERIZON, "UWS password."),
    _credential("VERIZON_ACCOUNT_NAME", _VERIZON, "Account, with leading zeros."),
    _credential("VERIZON_CALLBACK_PASSWORD", _VERIZON, "What the call-back was registered with."),
    _address("VERIZON_BASE_URL", _VERIZON, "https://thingspace.verizon.com/api"),
    _credential("FCC_USERNAME", _FCC, "The account's e-mail address."),
    _credential("FCC_HASH_VALUE", _FCC, "Token of Manage API Access, 44 characters."),
    _address("FCC_BASE_URL", _FCC, "https://bdc.fcc.gov"),
    _credential("WHITEPAGES_API_KEY", _WHITEPAGES, "The API key."),
    _address("WHITEPAGES_BASE_URL", _WHITEPAGES, "https://api.whitepages.com"),
    # Nothing for the sandbox: the demo never asks it.
    _credential(
        "TRUECALLER_API_KEY", _TRUECALLER, "Key of your adapter, under a private contract.", ""
    ),
    Variable(
        "TRUECALLER_BASE_URL",
        _TRUECALLER,
        "Your adapter's address; off without one, and Truecaller's own hosts are refused.",
    ),
    _credential("GOOGLE_PLACES_API_KEY", _GOOGLE_PLACES, "The API key."),
    _address("GOOGLE_PLACES_BASE_URL", _GOOGLE_PLACES, "https://places.googleapis.com"),
    _credential("YELP_API_KEY", _YELP, "The API key."),
    _address("YELP_BASE_URL", _YELP, "https://api.yelp.com/v3"),
    Variable(
        "SENTRY_DSN", _SERVICE, "Where errors are reported, stripped of personal data.", secret=True
    ),
    *(
        Variable(f"BULK_LOOKUP_DBT_{part}", _CHILDREN, "dbt's connection.", internal=True)
        for part in ("HOST", "PORT", "USER", "PASSWORD", "DBNAME")
    ),
)


def example_file() -> str:
    """The text of `.env.example`: every variable a person may set, with its meaning."""
    parts = [
        "# Copy to .env and fill in what you need; everything has a working default.\n"
        "# Generated by python -m bulk_lookup_dagster.core.variables; do not edit by hand.\n"
    ]
    public = [variable for variable in VARIABLES if not variable.internal]
    for section, variables in groupby(public, key=lambda variable: variable.section):
        parts.append(f"\n# ---- {section} ----\n")
        parts += [f"# {each.meaning}\n#{each.name}={each.default}\n" for each in variables]
    return "".join(parts)


if __name__ == "__main__":
    print(example_file(), end="")  # noqa: T201 - this is the generator
