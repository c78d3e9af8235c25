"""Releases of the FCC's broadband availability: which there are, which of a state is in.

A release of one state is a partition of its own, such as `2025-12-31-04`. A state that was
imported once is kept current: it is due when the FCC lists a newer release.

Belongs here: releases, their client and its pace. Does not: importing one (`services.fcc_import`).
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import psycopg

from bulk_lookup_dagster.core.errors import BadResponse, ConfigError, InputError
from bulk_lookup_dagster.engine.limiter import Limiter
from bulk_lookup_dagster.engine.provider import Disabled
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import (
    ClientFactories,
    environment_clients,
    vendor_settings,
)
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.storage.database import connect, connect_async
from resources.fcc_client import FccClient
from resources.fcc_records import PROVIDER

Connection = psycopg.Connection[Any]

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
    async with fcc_client(platform, clients) as client:
        await Pace(platform).wait()
        releases = await client.releases()
    if not releases:
        raise BadResponse("The FCC lists no release.")
    return releases[-1]


def fcc_client(platform: Platform, clients: ClientFactories | None = None) -> FccClient:
    """The client, made by `clients` or from the environment; raises `ConfigError` with the reason
    where there is none.
    """
    with connect(platform.dsn, autocommit=True, name="bulk-lookup fcc") as conn:
        block = vendor_settings(load_settings(conn), PROVIDER)
    client = (clients or environment_clients(platform.environment))[PROVIDER](block)
    if isinstance(client, Disabled) or not isinstance(client, FccClient):
        reason = client.reason if isinstance(client, Disabled) else "it is no FCC client"
        raise ConfigError(f"The FCC cannot be asked: {reason}.", fix="See .env.example.")
    return client


class Pace:
    """Ten calls a minute, shared with every process of the platform."""

    def __init__(self, platform: Platform) -> None:
        with connect(platform.dsn, autocommit=True, name="bulk-lookup fcc") as conn:
            rate = vendor_settings(load_settings(conn), PROVIDER).requests_per_second
        self._dsn, self._rate = platform.dsn, rate

    async def wait(self) -> None:
        """Until the next call may be made."""
        if self._rate is None:
            return
        conn = await connect_async(self._dsn, autocommit=True, name="bulk-lookup fcc")
        try:
            slots = await Limiter(conn, PROVIDER, self._rate).lease(1)
        finally:
            await conn.close()
        await asyncio.sleep(max(0.0, slots.first - time.monotonic()))
