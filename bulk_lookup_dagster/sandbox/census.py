"""The US Census batch geocoder as the sandbox plays it.

Quirks: the answer is CSV without a header, in another order than the file; an address without a
match has three columns; streets without a house number never match; more than 10,000 addresses are
refused. Free, so nothing is billed; a control, `PUT leave_out {"every": N}`, leaves every Nth out.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, the log (`account`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.forms import multipart_fields
from bulk_lookup_dagster.sandbox.places import block_at, locate
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import PlainSimulator, Reply, json_reply, refused

MAX_ADDRESSES = 10_000
_FIELDS = 5
_BENCHMARKS = ("Public_AR_Current", "Public_AR_Census2020")
_MATCH_SHARE, _EXACT_SHARE = 0.88, 0.8


class Census(PlainSimulator):
    """The geocoder."""

    name = "census"
    prices: Mapping[str, int] = {"geocode": 0}
    errors: Mapping[str, tuple[int, Any]] = {}

    def __init__(self) -> None:
        self._every = 0

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """A digest of the file."""
        return super().asked(request)[0], ("geocode",)

    def answer(self, request: Request) -> Reply:
        """The matches of a file, or the list of benchmarks."""
        match request.method, request.path:
            case "GET", "/benchmarks":
                return json_reply({"benchmarks": [_benchmark(name) for name in _BENCHMARKS]})
            case "POST", "/geographies/addressbatch":
                return self._batch(request)
        return refused(404, {"errors": ["Not Found"], "status": "404"})

    def control(self, name: str, document: Any) -> bool:
        """`leave_out`: every so many addresses one is not answered; 0 = none."""
        if name != "leave_out":
            return False
        self._every = int(document["every"])
        return True

    def _batch(self, request: Request) -> Reply:
        try:
            fields = multipart_fields(request)
        except InputError as error:
            return _bad(error.message)
        if fields.get("benchmark", b"").decode() not in _BENCHMARKS:
            return _bad("Specify a benchmark.")
        if not fields.get("vintage"):
            return _bad("Specify a vintage.")
        rows = list(csv.reader(StringIO(fields.get("addressFile", b"").decode())))
        if not rows or len(rows) > MAX_ADDRESSES:
            return _bad(f"A file holds 1 to {MAX_ADDRESSES} addresses.")
        if any(len(row) != _FIELDS for row in rows):
            return _bad("A row has not the five fields id, street, city, state, zip.")
        kept = [row for n, row in enumerate(rows, 1) if not self._every or n % self._every]
        return Reply(200, _answered(kept), content_type="text/csv;charset=UTF-8")


def _bad(message: str) -> Reply:
    return refused(400, {"errors": [message], "status": "400"})


def _benchmark(name: str) -> dict[str, Any]:
    return {"id": "4", "benchmarkName": name, "isDefault": name.endswith("Current")}


def _answered(rows: Iterable[list[str]]) -> bytes:
    out = StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    answered = [_row(row) for row in rows]
    answered.sort(key=lambda row: draw("order", row[0]))
    writer.writerows(answered)
    return out.getvalue().encode()


def _row(sent: list[str]) -> list[str]:
    number, *parts = sent
    street, city, state, postal_code = parts
    line = ", ".join(parts)
    point = locate(street, city, state, postal_code)
    known = knows("census", "geocode", line.casefold(), _MATCH_SHARE)
    if point is None or not point.exact or not known:
        tie = known and point is not None
        return [number, line, "Tie" if tie else "No_Match"]
    exact = knows("census", "exact", line.casefold(), _EXACT_SHARE)
    block = block_at(point.latitude, point.longitude) or ""
    matched = f"{street}, {point.town.city}, {point.town.state}, {postal_code}".upper()
    return [
        *(number, line, "Match", "Exact" if exact else "Non_Exact", matched),
        f"{point.longitude:.6f},{point.latitude:.6f}",
        *(str(draw("tiger", line) % 10**9), "L" if exact else "R"),
        *(block[:2], block[2:5], block[5:11], block[11:]),
    ]
