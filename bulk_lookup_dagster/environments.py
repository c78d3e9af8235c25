"""Resources per environment, side by side; the only place that names environment variables.

Put here: what differs between demo, local, staging and production. Do not put here: limits and
toggles (settings), what a resource does (`resources`).
https://docs.dagster.io/guides/build/external-resources
"""

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg

from bulk_lookup_dagster.core.environment import ENVIRONMENTS
from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.process import start
from resources.twilio_lookup import TwilioLookupResource


def optional_env(name: str) -> str | dg.EnvVar:
    """An `EnvVar`, or '' where the variable is unset: an unset `EnvVar` fails the whole run."""
    return dg.EnvVar(name) if os.environ.get(name) else ""


@dg.resource(description="The open platform: databases, secret key, files.")
def open_platform_resource(_context: dg.InitResourceContext) -> Platform:
    """Open the platform for one run."""
    return start("dagster")


def resources_for(environment: str) -> Mapping[str, Any]:
    """Every resource of an environment."""
    if environment not in ENVIRONMENTS:
        raise ConfigError(
            f"There is no environment {environment!r}.", fix=f"One of {', '.join(ENVIRONMENTS)}."
        )
    twilio = TwilioLookupResource(
        api_key=optional_env("TWILIO_API_KEY"),
        api_secret=optional_env("TWILIO_API_SECRET"),
        account_sid=optional_env("TWILIO_ACCOUNT_SID"),
        auth_token=optional_env("TWILIO_AUTH_TOKEN"),
        base_url=optional_env("TWILIO_LOOKUP_BASE_URL"),
    )
    sandbox = TwilioLookupResource(
        account_sid="AC" + "0" * 32,
        auth_token="sandbox",  # noqa: S106  # the simulator takes any
        base_url=optional_env("TWILIO_LOOKUP_BASE_URL"),
        simulated=True,
    )
    shared = {"platform": open_platform_resource}
    return {
        "demo": {**shared, "twilio_lookup": sandbox},
        "local": {**shared, "twilio_lookup": twilio},
        "staging": {**shared, "twilio_lookup": twilio},
        "production": {**shared, "twilio_lookup": twilio},
    }[environment]
