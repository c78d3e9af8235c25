"""The FCC's broadband data: what its state files are, and how their lists and rows are read.

Availability is published twice a year as one file per state and technology, a zip with a CSV of a
row per location and offer. There is no look-up by location: files are imported whole and joined by
census block (`services.fcc_import`). Public domain: kept. "Reported in the block" is not "available
at the address".

Belongs here: data and pure parsing. Does not: requests (see `fcc_client`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TextIO

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields

PROVIDER = "fcc"
# Nothing is asked about subjects, so nothing is billed.
OPERATIONS: Mapping[str, Operation] = {}
PRICES: tuple[Price, ...] = ()

TECHNOLOGIES: Mapping[int, str] = {
    0: "other",
    10: "copper",
    40: "cable",
    50: "fiber",
    60: "satellite",
    61: "satellite",
    70: "unlicensed fixed wireless",
    71: "licensed fixed wireless",
    72: "licensed-by-rule fixed wireless",
}

_READ = Fields("FCC")
_BLOCK_DIGITS = 15
_MAX_SPEED = 1_000_000


@dataclass(frozen=True, slots=True)
class StateFile:
    """One file of a release: a state's rows of one technology."""

    file_id: str
    name: str
    state_fips: str
    records: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    """One row: what a provider reports for one location; speeds in Mbit/s."""

    block: str
    provider_id: int
    brand: str
    technology: int
    down: int
    up: int
    low_latency: bool
    residential: bool
    business: bool


def read_dates(data: list[Mapping[str, Any]]) -> list[date]:
    """The days of availability releases, oldest first."""
    found = [_READ.day(one, "as_of_date") for one in data if one.get("data_type") == "availability"]
    return sorted(day for day in found if day is not None)


def read_files(data: list[Mapping[str, Any]], state_fips: str) -> list[StateFile]:
    """A state's files of fixed broadband."""
    files = []
    for one in data:
        if one.get("state_fips") != state_fips or one.get("technology_type") != "Fixed Broadband":
            continue
        number = str(one.get("file_id") or "")
        if not number.isdecimal():
            raise BadResponse("FCC: file_id is not a number.")
        count = str(one.get("record_count") or "")
        records = int(count) if count.isdecimal() else None
        name = _READ.text(one, "file_name", 200) or number
        files.append(StateFile(number, name, state_fips, records))
    return files


def read_offers(text: TextIO) -> Iterator[Offer]:
    """The rows of a CSV; raises `BadResponse` where a column or a value is not what it must be."""
    rows = csv.DictReader(text, strict=True)
    try:
        for row in rows:
            yield _offer(row)
    except (KeyError, ValueError, TypeError, csv.Error):
        raise BadResponse(f"FCC: line {rows.line_num} of a file is no availability.") from None


def _offer(row: Mapping[str, str]) -> Offer:
    block, technology = row["block_geoid"], int(row["technology"])
    down, up = int(row["max_advertised_download_speed"]), int(row["max_advertised_upload_speed"])
    if not (len(block) == _BLOCK_DIGITS and block.isdecimal() and technology in TECHNOLOGIES):
        raise ValueError("block or technology")
    if not (0 <= down <= _MAX_SPEED and 0 <= up <= _MAX_SPEED):
        raise ValueError("speed")
    whom = row["business_residential_code"]
    return Offer(
        block,
        int(row["provider_id"]),
        row["brand_name"][:200].replace("\x00", ""),
        technology,
        down,
        up,
        row["low_latency"] in ("1", "true", "True"),
        whom in ("R", "X"),
        whom in ("B", "X"),
    )
