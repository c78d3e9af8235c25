"""What every program of the platform does first: the only reader of `os.environ`.

Belongs here: `.env`, telemetry switches, logs, error reports, opening the platform.
Does not: what the program then does (see `cli`, `web`, `definitions`).
"""

from __future__ import annotations

import os

from bulk_lookup_dagster import observability
from bulk_lookup_dagster.core.environment import Environment, read_environment
from bulk_lookup_dagster.core.telemetry import silence
from bulk_lookup_dagster.services.instance import Platform, open_platform, with_dotenv
from bulk_lookup_dagster.services.running import running_address
from bulk_lookup_dagster.services.simulation import ADDRESS_VARIABLES, sandbox_addresses


def prepare(service: str) -> Environment:
    """Read `.env`, silence telemetry and configure logs; children inherit all of it."""
    os.environ.update(with_dotenv(os.environ))
    silence(os.environ)
    environment = read_environment(os.environ)
    if environment.simulated and not all(map(environment.credential, ADDRESS_VARIABLES)):
        played = sandbox_addresses(running_address(environment.home, "sandbox"))
        os.environ.update({name: os.environ.get(name) or url for name, url in played.items()})
        environment = read_environment(os.environ)
    observability.configure(environment, service=service)
    return environment


def start(service: str) -> Platform:
    """`prepare`, then open the platform; `service` names the program in logs and reports."""
    prepare(service)
    return open_platform(os.environ)
