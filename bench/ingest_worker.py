"""The measured processes of `bench.ingest`: the load, and the bare library.

`python -m bench.ingest_worker` reads its options as one JSON line. Belongs here: what is timed.
Does not: the file, the pairs and the medians (`bench.ingest`).
"""

from __future__ import annotations

import csv
import json
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

from bench.memory import Memory


def main() -> None:
    """Do what the options say and print one JSON object."""
    options = json.loads(sys.stdin.readline())
    print(json.dumps(load(options) if options["role"] == "load" else bare(options)))


def load(options: dict[str, Any]) -> dict[str, Any]:
    """Load the file once; seconds from call to return, greatest memory of all our processes."""
    from bulk_lookup_dagster.services.uploads import load_upload

    memory = Memory()
    memory.start()
    start = time.perf_counter()
    report = load_upload(options["dsn"], b"b" * 32, Path(options["path"]))
    seconds = time.perf_counter() - start
    memory.stop()
    return {
        "seconds": seconds,
        "peak_mb": memory.peak_mb,
        "rows": report.row_count,
        "contacts": report.new_contact_count,
        "rejects": report.reject_count,
        "batches": len(report.batches),
        "adds_up": report.row_count == report.contact_count + report.reject_count,
    }


def bare(options: dict[str, Any]) -> dict[str, Any]:
    """Parse, validate and format every second phone cell; the start is agreed by a file."""
    import phonenumbers

    with Path(options["path"]).open(encoding="utf-8", newline="") as file:
        column = [row[1] for row in csv.reader(file)]
    cells = list(islice(column, 1 + options["part"], None, options["parts"]))
    del column
    _one(phonenumbers, "+14155552671")
    Path(options["ready"]).touch()
    while not Path(options["go"]).exists():
        time.sleep(0.005)
    start = time.perf_counter()
    for cell in cells:
        _one(phonenumbers, cell)
    return {"seconds": time.perf_counter() - start, "rows": len(cells)}


def _one(library: Any, cell: str) -> str | None:
    try:
        number = library.parse(cell, "US")
    except library.NumberParseException:
        return None
    if not library.is_valid_number(number):
        return None
    text: str = library.format_number(number, library.PhoneNumberFormat.E164)
    return text


if __name__ == "__main__":
    main()
