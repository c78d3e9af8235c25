"""Importing a state's broadband availability from the FCC: downloads, rows, one replacement.

A release is imported whole or not at all, and replaces the one before, never one that is newer.

Belongs here: the use case. Does not: which releases there are (`services.fcc_releases`), requests
(`resources.fcc_client`), their turns (`services.paced`), rows (`fcc_records`).
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

from bulk_lookup_dagster.core.errors import BadResponse, InputError
from bulk_lookup_dagster.services.fcc_releases import ENDPOINT, Release, asking_fcc, check_state
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.paced import Paced
from bulk_lookup_dagster.services.providers import ClientFactories
from bulk_lookup_dagster.storage.database import connect
from resources.fcc_client import FccClient
from resources.fcc_records import StateFile, read_offers

Connection = psycopg.Connection[Any]

MAX_CSV_BYTES = 16 * 1024**3

_LOCK = 7323
_ALONE = "SELECT pg_advisory_xact_lock(%s, %s)"
_KNOWN = """
    SELECT as_of, files, rows FROM enrichment.fcc_releases WHERE state_fips = %s AND as_of >= %s
"""
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
    """The release of a state that is in: files and rows of it; `new` False where it was before."""

    as_of: date
    files: int
    rows: int
    new: bool


async def import_release(
    platform: Platform, release: Release, *, clients: ClientFactories | None = None
) -> Imported:
    """Import one state's release, unless it or a newer one is in already; then nobody is asked."""
    check_state(release.state_fips)
    known = await asyncio.to_thread(_known, platform, release)
    if known is not None:
        return known
    platform.environment.home.mkdir(parents=True, exist_ok=True)
    async with asking_fcc(platform, clients) as (client, turns):
        with TemporaryDirectory(dir=platform.environment.home, prefix="fcc-") as folder:
            files = await _fetched(client, turns, release, Path(folder))
            return await asyncio.to_thread(_replace, platform, release, files)


async def _fetched(
    client: FccClient, turns: Paced, release: Release, folder: Path
) -> list[tuple[StateFile, Path]]:
    """Every file of a release with the zip it was fetched to."""
    async with turns.turn(ENDPOINT):
        files = await client.files(release.as_of, release.state_fips)
    if not files:
        raise InputError(
            f"The FCC has no files of state {release.state_fips} as of {release.as_of}.",
            fix="Write the state's two digits and a day of its list of releases.",
        )
    paths = [folder / f"{file.file_id}.zip" for file in files]
    for file, path in zip(files, paths, strict=True):
        async with turns.turn(ENDPOINT):
            await client.download(file, path)
    return list(zip(files, paths, strict=True))


def _known(platform: Platform, release: Release) -> Imported | None:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup fcc") as conn:
        return _imported(conn, release)


def _imported(conn: Connection, release: Release) -> Imported | None:
    """What is in of the state, if it is of this release or a newer one."""
    known = conn.execute(_KNOWN, (release.state_fips, release.as_of)).fetchone()
    return None if known is None else Imported(known[0], known[1], known[2], new=False)


def _replace(platform: Platform, release: Release, files: list[tuple[StateFile, Path]]) -> Imported:
    state, rows = release.state_fips, 0
    with (
        connect(platform.dsn, name="bulk-lookup fcc import") as conn,
        conn.transaction(),
        conn.cursor() as cursor,
    ):
        cursor.execute(_ALONE, (_LOCK, int(state)))
        known = _imported(conn, release)  # by somebody else, since the files were asked for
        if known is not None:
            return known
        cursor.execute(_CREATE)
        for file, path in files:
            rows += _copy(cursor, file, path)
        cursor.execute(_FORGET, (state,))
        cursor.execute(_REPLACE, (state,))
        cursor.execute(_RELEASE, (state, release.as_of, len(files), rows))
    return Imported(release.as_of, len(files), rows, new=True)


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
