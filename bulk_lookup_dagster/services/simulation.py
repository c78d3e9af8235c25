"""The provider sandbox: who is asked instead of vendors in the demo, and nobody else there.

Belongs here: starting and finding it. Does not: what it answers (`bulk_lookup_dagster.sandbox`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.services.children import Child, end
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import base_url
from bulk_lookup_dagster.services.running import log_file, ready, running_address
from resources.loopback import answers, free_port
from resources.registry import REMOTE, VENDORS

ADDRESS_VARIABLES = tuple(entry.base_url_variable for entry in REMOTE)


def sandbox_addresses(url: str) -> dict[str, str]:
    """Where each vendor is played, by the variable that says so; '' while no sandbox runs."""
    return {entry.base_url_variable: url and f"{url}/{entry.name}" for entry in REMOTE}


def start_sandbox(platform: Platform, environ: Mapping[str, str]) -> tuple[Child, str]:
    """The provider simulator on a free port, and its address."""
    port = free_port()
    command = [sys.executable, "-m", "bulk_lookup_dagster.sandbox", "--port", str(port)]
    sandbox = Child("sandbox", command, environ, log_file(platform, "sandbox"))
    ready(sandbox, lambda: answers(port, "/_sandbox/summary"))
    return sandbox, f"http://127.0.0.1:{port}"


@contextmanager
def with_sandbox(platform: Platform) -> Iterator[Platform]:
    """The platform with somebody to ask: in the demo the sandbox that runs, or one for the block.

    Other environments are left as they are: they ask vendors.
    """
    environment = platform.environment
    if not environment.simulated or all(map(environment.credential, ADDRESS_VARIABLES)):
        yield platform
        return
    started: list[Child] = []
    try:
        address = running_address(environment.home, "sandbox")
        if not address:
            sandbox, address = start_sandbox(platform, os.environ)
            started.append(sandbox)
        values = {**sandbox_addresses(address), **environment.values}
        yield replace(platform, environment=read_environment(values))
    finally:
        end(started)


def dagster_resources(platform: Platform) -> Mapping[str, Any]:
    """The code location's resources made from a platform that is open already."""
    from resources.dagster_resources import RESOURCES

    environment = platform.environment
    return {
        "platform": platform,
        **{
            entry.name: RESOURCES[entry.name](
                base_url=base_url(environment, entry),
                simulated=environment.simulated,
                **{
                    name: environment.credential(variable)
                    for name, variable in entry.variables.items()
                },
            )
            for entry in VENDORS
        },
    }
