"""The FCC's Broadband Data Collection as the sandbox plays it; contract `derived_fcc_bdc`.

Quirks: everything in an envelope with a status of its own; ten calls a minute, then 429 (control
`PUT pace {"per_minute": N}`; 0 = off); one zip per state and technology, made of the blocks the
world's addresses lie in, so that an address's block is in its state's files.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, the log (`account`).
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import parse_qs
from zipfile import ZIP_DEFLATED, ZipFile

from bulk_lookup_dagster.sandbox.draws import draw
from bulk_lookup_dagster.sandbox.places import TOWNS, address_for, block_at, locate, services_in
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import PlainSimulator, Reply, json_reply, refused

RELEASES = ("2025-06-30", "2025-12-31")
COLUMNS = (
    *("frn", "provider_id", "brand_name", "location_id", "technology"),
    *("max_advertised_download_speed", "max_advertised_upload_speed", "low_latency"),
    *("business_residential_code", "state_usps", "block_geoid", "h3_res8_id"),
)
_MAP = "/api/public/map/"
_LIST, _FILE = "downloads/listAvailabilityData/", "downloads/downloadFile/availability/"
_TECHNOLOGIES = (10, 40, 50, 61, 71)
_STATES = sorted({town.county[:2]: town.state for town in TOWNS}.items())
_ADDRESSES = 200


class Fcc(PlainSimulator):
    """The vendor; any token but `wrong` is one of ours."""

    name = "fcc"
    prices: Mapping[str, int] = {}

    def __init__(self) -> None:
        self._per_minute = 0
        self._minute = (0, 0)

    def answer(self, request: Request) -> Reply:
        """A list or a file."""
        if request.header(b"hash_value") in ("", "wrong") or not request.header(b"username"):
            return _refused(401, "Unauthorized")
        path = request.path.removeprefix(_MAP)
        if request.method != "GET" or path == request.path:
            return _refused(404, "Not found")
        if self._too_fast():
            return _refused(429, "Too many requests", counted=True)
        if path == "listAsOfDates":
            return _listed([{"data_type": "availability", "as_of_date": day} for day in RELEASES])
        if path.startswith(_LIST):
            return _files(path.removeprefix(_LIST), request)
        if path.startswith(_FILE) and path.removeprefix(_FILE).isdecimal():
            return _file(int(path.removeprefix(_FILE)))
        return _refused(404, "Not found")

    def control(self, name: str, document: Any) -> bool:
        """`pace`: calls a minute; 0 = as many as one likes."""
        if name == "pace":
            self._per_minute = int(document["per_minute"])
        return name == "pace"

    def _too_fast(self) -> bool:
        now = int(time.monotonic() // 60)
        minute, count = self._minute
        count = count + 1 if minute == now else 1
        self._minute = (now, count)
        return bool(self._per_minute) and count > self._per_minute


def _refused(status: int, message: str, *, counted: bool = False) -> Reply:
    reply = refused(status, {"status": "failed", "status_code": status, "message": message})
    reply.counted = counted
    return reply


def _listed(data: list[dict[str, Any]]) -> Reply:
    envelope = {"status": "successful", "status_code": 200, "message": None}
    return json_reply({"data": data, **envelope, "result_count": len(data)})


def _files(day: str, request: Request) -> Reply:
    if day not in RELEASES or parse_qs(request.query).get("category") != ["State"]:
        return _refused(422, "No such combination")
    return _listed(
        [
            {
                "file_id": number,
                "category": "State",
                "subcategory": "Location Coverage",
                "technology_type": "Fixed Broadband",
                "technology_code": str(technology),
                "state_fips": fips,
                "state_name": state,
                "file_type": "csv",
                "file_name": f"bdc_{fips}_{technology}_fixed_broadband_{day}",
                "record_count": str(len(list(_rows(fips, technology)))),
            }
            for number, fips, state, technology in _numbered(RELEASES.index(day))
        ]
    )


def _numbered(release: int) -> Iterator[tuple[int, str, str, int]]:
    for place, (fips, state) in enumerate(_STATES):
        for nth, technology in enumerate(_TECHNOLOGIES):
            yield (release * 1_000 + place * 10 + nth + 1, fips, state, technology)


def _file(number: int) -> Reply:
    for release in range(len(RELEASES)):
        for each, fips, _, technology in _numbered(release):
            if each == number:
                return Reply(200, _zip(fips, technology), content_type="application/zip")
    return _refused(404, "Not found")


def _zip(fips: str, technology: int) -> bytes:
    text, packed = StringIO(), BytesIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(_rows(fips, technology))
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        archive.writestr(f"bdc_{fips}_{technology}.csv", text.getvalue())
    return packed.getvalue()


@lru_cache(maxsize=64)
def _blocks(fips: str) -> tuple[str, ...]:
    """Blocks of a state in which somebody of the world lives, one per location."""
    found = []
    for town in (town for town in TOWNS if town.county.startswith(fips)):
        for number in range(_ADDRESSES):
            one = address_for(f"fcc {number}", town)
            point = locate(one.street, one.city, one.state, one.postal_code)
            block = block_at(point.latitude, point.longitude) if point else None
            if block and block.startswith(fips):
                found.append(block)
    return tuple(found)


def _rows(fips: str, technology: int) -> Iterator[dict[str, Any]]:
    for location, block in enumerate(_blocks(fips)):
        for one in services_in(block):
            if one.technology == technology:
                yield {
                    "frn": f"{one.provider_id:010d}",
                    "provider_id": one.provider_id,
                    "brand_name": one.brand,
                    "location_id": 1_000_000 + location,
                    "technology": technology,
                    "max_advertised_download_speed": one.down,
                    "max_advertised_upload_speed": one.up,
                    "low_latency": int(technology != 61),
                    "business_residential_code": "X" if draw("fcc", block) % 3 else "R",
                    "state_usps": dict(_STATES)[fips],
                    "block_geoid": block,
                    "h3_res8_id": f"88{draw('h3', block) % 16**13:013x}",
                }
