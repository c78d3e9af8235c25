"""Releases of the FCC's broadband availability: which there are, which of a state is in.

A release of one state is a partition of its own, such as `2025-12-31-04`. A state that was
imported once is kept current: it is due when the FCC lists a newer release.

Belongs here: releases, their client and its pace. Does not: importing one (`services.fcc_import`).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import psycopg

from bulk_lookup_dagster.core.errors import BadResponse, ConfigError, InputError
from bulk_lookup_dagster.engine.provider import Disabled
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.paced import Paced, paced
from bulk_lookup_dagster.services.providers import (
    ClientFactories,
    environment_clients,
    vendor_settings,
)
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.storage.database import connect
from resources.fcc_client import FccClient
from resources.fcc_records import PROVIDER

Connection = psycopg.Connection[Any]

ENDPOINT = "files"
_KEY = re.compile(r"(\d{4}-\d{2}-\d{2})-(\d{2})", re.ASCII)
_STATE = re.compile(r"\d{2}", re.ASCII)
_STATES = "SELECT state_fips, as_of FROM enrichment.fcc_releases ORDER BY state_fips"


@dataclass(frozen=True, slots=True)
class Release:
    """The availability of one state as of a day."""

    as_of: date
    state_fips: str

    @property
    def key(self) -> str:
        """How it is called as a partition."""
        return f"{self.as_of.isoformat()}-{self.state_fips}"

    @classmethod
    def parse(cls, key: str) -> Self:
        """The release of a partition; raises `InputError` where it names none."""
        found = _KEY.fullmatch(key)
        try:
            if found is not None:
                return cls(date.fromisoformat(found[1]), found[2])
        except ValueError:  # a day no month has
            pass
        raise InputError(
            f"There is no FCC release {key!r}.", fix="Write day and state: 2025-12-31-04."
        )


def check_state(state_fips: str) -> None:
    """Raise `InputError` where this is no state's number."""
    if not _STATE.fullmatch(state_fips):
        raise InputError("A state is two digits.", fix="Arizona is 04; see the FCC's list.")


def imported_states(conn: Connection) -> dict[str, date]:
    """States whose availability was imported, with the day of their release."""
    return dict(conn.execute(_STATES).fetchall())


def outdated(states: dict[str, date], newest: date) -> list[Release]:
    """The newest release of every state that has an older one."""
    return [Release(newest, state) for state, as_of in states.items() if as_of < newest]


async def newest_release(platform: Platform, clients: ClientFactories | None = None) -> date:
    """The day of the FCC's newest release; raises `ConfigError` where it cannot be asked."""
    async with asking_fcc(platform, clients) as (client, turns), turns.turn(ENDPOINT):
        releases = await client.releases()
    if not releases:
        raise BadResponse("The FCC lists no release.")
    return releases[-1]


@asynccontextmanager
async def asking_fcc(
    platform: Platform, clients: ClientFactories | None = None
) -> AsyncIterator[tuple[FccClient, Paced]]:
    """The client, made by `clients` or from the environment, and its turns of the shared rate.

    Raises `ConfigError` with the reason where there is no client.
    """
    with connect(platform.dsn, autocommit=True, name="bulk-lookup fcc") as conn:
        settings = load_settings(conn)
    factories = clients or environment_clients(platform.environment)
    client = factories[PROVIDER](vendor_settings(settings, PROVIDER))
    if isinstance(client, Disabled) or not isinstance(client, FccClient):
        reason = client.reason if isinstance(client, Disabled) else "it is no FCC client"
        raise ConfigError(f"The FCC cannot be asked: {reason}.", fix="See .env.example.")
    async with client, paced(platform.dsn, PROVIDER, settings) as turns:
        yield client, turns
