"""Twilio's daily deactivations: what the operation is, costs and may be kept, and how it is read.

One text file a day with the numbers that carriers in the United States took out of service, one a
line. Free. The subject is a day (`2026-11-25`); its part keeps the numbers, which are compared with
ours (`services.deactivations`) for as long as a line status may be kept: RULES, 30 days.

Columns, of `enrichment.deactivations`: day, numbers (how many the file has).

Belongs here: data and pure parsing. Does not: requests (see `twilio_deactivations_client`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields

PROVIDER = "twilio_deactivations"
MAX_NUMBERS = 500_000
"""More would not fit into the ledger's greatest body."""

OPERATIONS: Mapping[str, Operation] = {
    "deactivations": Operation(
        *("deactivations", "day", "twilio_line_status", timedelta(days=30)),
        on_unknown="ask_again",
    ),
}

PRICES: tuple[Price, ...] = (
    Price(PROVIDER, "deactivations", 0, "Twilio: free of charge", date(2026, 11, 1)),
)

_READ = Fields("Twilio deactivations")
_NUMBER = re.compile(r"\+?(1\d{10})")


def read_numbers(text: str) -> list[str]:
    """The file's numbers as E.164, sorted, each once; raises `BadResponse` where it is none."""
    found = set()
    for line in text.split():
        number = _NUMBER.fullmatch(line)
        if number is None:
            raise BadResponse("Twilio deactivations: a line of the file is no number of the US.")
        found.add(f"+{number[1]}")
    if not found:
        raise BadResponse("Twilio deactivations: the file is empty.")
    if len(found) > MAX_NUMBERS:
        raise BadResponse(f"Twilio deactivations: more than {MAX_NUMBERS} numbers.")
    return sorted(found)


def parse_deactivations(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.deactivations`."""
    day = _READ.day(answer, "day")
    return {
        "day": None if day is None else day.isoformat(),
        "numbers": len(_READ.texts(answer, "numbers", 12)),
    }
