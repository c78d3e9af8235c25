"""Resources per environment, side by side; the only place that makes `dg.EnvVar`s.

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
from bulk_lookup_dagster.core.variables import VARIABLES
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.process import start
from resources.dagster_resources import RESOURCES
from resources.registry import VENDORS
from resources.vendor import Vendor
from resources.vendor_resource import VendorResource

_SANDBOX = {variable.name: variable.sandbox for variable in VARIABLES}


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
    shared = {"platform": open_platform_resource}
    return {
        "demo": {**shared, **_vendors(simulated=True)},
        "local": {**shared, **_vendors()},
        "staging": {**shared, **_vendors()},
        "production": {**shared, **_vendors()},
    }[environment]


def _vendors(*, simulated: bool = False) -> dict[str, VendorResource]:
    """Each vendor's resource; a simulated one takes the sandbox's credentials, never a vendor's."""
    return {entry.name: _vendor(entry, simulated=simulated) for entry in VENDORS}


def _vendor(entry: Vendor, *, simulated: bool) -> VendorResource:
    credentials = {
        name: _SANDBOX[variable] if simulated else optional_env(variable)
        for name, variable in entry.variables.items()
    }
    base_url = "" if entry.is_local else optional_env(entry.base_url_variable)
    return RESOURCES[entry.name](base_url=base_url, simulated=simulated, **credentials)
