"""Importing a state's broadband availability from the FCC: downloads, rows, one replacement.

A release is imported whole or not at all, and replaces the one before; twice a year is enough.

Belongs here: the use case. Does not: requests (`resources.fcc_client`), their turns
(`services.paced`), rows (`fcc_records`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile

import psycopg

from bulk_lookup_dagster.core.errors import BadResponse, ConfigError, InputError
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.provider import Disabled
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.paced import paced
from bulk_lookup_dagster.services.providers import environment_clients, vendor_settings
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.storage.database import connect
from resources.fcc_client import FccClient
from resources.fcc_records import PROVIDER, StateFile, read_offers

Connection = psycopg.Connection[Any]

ENDPOINT = "files"
MAX_CSV_BYTES = 16 * 1024**3

_KNOWN = "SELECT as_of, files, rows FROM enrichment.fcc_releases WHERE state_fips = %s"
_CREATE = """
    CREATE TEMP TABLE reported (
        census_block text, provider_id int, brand text, technology smallint, down int, up int,
        low_latency boolean, residential boolean, business boolean
    ) ON COMMIT DROP
"""
_FORGET = "DELETE FROM enrichment.fcc_coverage WHERE left(census_block, 2) = %s"
_REPLACE = """
    INSERT INTO enrichment.fcc_coverage (census_block, provider_id, technology, brand,
           max_down_mbps, max_up_mbps, low_latency, residential, business, locations)
    SELECT census_block, provider_id, technology, min(brand), max(down), max(up),
           bool_or(low_latency), bool_or(residential), bool_or(business), count(*)
      FROM reported WHERE left(census_block, 2) = %s
     GROUP BY census_block, provider_id, technology
"""
_RELEASE = """
    INSERT INTO enrichment.fcc_releases (state_fips, as_of, files, rows)
    VALUES (%s, %s, %s, %s)
    ON CONFLICT (state_fips) DO UPDATE
       SET as_of = EXCLUDED.as_of, files = EXCLUDED.files, rows = EXCLUDED.rows,
           imported_at = now()
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """A state's release: files and rows of it; `new` False where it was in before."""

    as_of: date
    files: int
    rows: int
    new: bool


def fcc_client(platform: Platform, settings: Settings) -> FccClient:
    """The client of the environment; raises `ConfigError` with the reason where there is none."""
    block = vendor_settings(settings, PROVIDER)
    client = environment_clients(platform.environment)[PROVIDER](block)
    if isinstance(client, Disabled) or not isinstance(client, FccClient):
        reason = client.reason if isinstance(client, Disabled) else "it is no FCC client"
        raise ConfigError(f"The FCC cannot be asked: {reason}.", fix="See .env.example.")
    return client


async def import_state(platform: Platform, state_fips: str) -> Imported:
    """Import a state's newest release, unless it is in already."""
    if not (len(state_fips) == 2 and state_fips.isdecimal()):
        raise InputError("A state is two digits.", fix="Arizona is 04; see the FCC's list.")
    settings = _settings(platform)
    async with (
        fcc_client(platform, settings) as client,
        paced(platform.dsn, PROVIDER, settings) as turns,
    ):
        async with turns.turn(ENDPOINT):
            releases = await client.releases()
        if not releases:
            raise BadResponse("The FCC lists no release.")
        with connect(platform.dsn, autocommit=True, name="bulk-lookup fcc") as conn:
            known = conn.execute(_KNOWN, (state_fips,)).fetchone()
        if known is not None and known[0] >= releases[-1]:
            return Imported(known[0], known[1], known[2], new=False)
        async with turns.turn(ENDPOINT):
            files = await client.files(releases[-1], state_fips)
        if not files:
            raise InputError(
                f"The FCC has no files of state {state_fips}.", fix="Write its two digits."
            )
        platform.environment.home.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=platform.environment.home, prefix="fcc-") as folder:
            paths = []
            for file in files:
                paths.append(Path(folder) / f"{file.file_id}.zip")
                async with turns.turn(ENDPOINT):
                    await client.download(file, paths[-1])
            rows = await asyncio.to_thread(
                _replace, platform, state_fips, releases[-1], list(zip(files, paths, strict=True))
            )
    return Imported(releases[-1], len(files), rows, new=True)


def _settings(platform: Platform) -> Settings:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup fcc") as conn:
        return load_settings(conn)


def _replace(
    platform: Platform, state_fips: str, as_of: date, files: list[tuple[StateFile, Path]]
) -> int:
    rows = 0
    with (
        connect(platform.dsn, name="bulk-lookup fcc import") as conn,
        conn.transaction(),
        conn.cursor() as cursor,
    ):
        cursor.execute(_CREATE)
        for file, path in files:
            rows += _copy(cursor, file, path)
        cursor.execute(_FORGET, (state_fips,))
        cursor.execute(_REPLACE, (state_fips,))
        cursor.execute(_RELEASE, (state_fips, as_of, len(files), rows))
    return rows


def _copy(cursor: psycopg.Cursor[Any], file: StateFile, path: Path) -> int:
    """The rows of every CSV in a zip, into `reported`."""
    rows = 0
    try:
        with ZipFile(path) as archive, cursor.copy("COPY reported FROM STDIN") as copy:
            for member in archive.infolist():
                if not member.filename.endswith(".csv"):
                    continue
                if member.file_size > MAX_CSV_BYTES:
                    raise BadResponse(f"FCC: {file.name} is larger than any file of theirs.")
                with archive.open(member) as raw:
                    for one in read_offers(TextIOWrapper(raw, "utf-8-sig", newline="")):
                        copy.write_row(
                            (
                                *(one.block, one.provider_id, one.brand, one.technology),
                                *(one.down, one.up, one.low_latency),
                                *(one.residential, one.business),
                            )
                        )
                        rows += 1
    except (BadZipFile, UnicodeDecodeError):
        raise BadResponse(f"FCC: {file.name} is no zip of text.") from None
    if file.records is not None and rows != file.records:
        raise BadResponse(f"FCC: {file.name} has other rows than its list says.")
    return rows
