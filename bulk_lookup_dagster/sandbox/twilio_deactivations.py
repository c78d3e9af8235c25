"""Twilio's daily deactivations as the sandbox plays them; contract `twilio_messaging_v1`.

Quirks: the answer is 307 to a signed address that takes no credentials and refuses them; days that
are not over have no file. A file holds made-up strangers and what the control `PUT died {"day": …,
"numbers": […]}` put there: which of ours died on which day is for a test to say.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, the log (`account`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs

import orjson

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.draws import draw
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import PlainSimulator, Reply, refused
from bulk_lookup_dagster.sandbox.twilio_account import (
    TwilioAccount,
    not_found,
    twilio_error,
    unauthorised,
)

_PATH, _FILES = "/v1/Deactivations", "/files/"
_STRANGERS = 2_000


class TwilioDeactivations(TwilioAccount, PlainSimulator):
    """The vendor, and the storage its addresses lead to."""

    name = "twilio_deactivations"
    prices: Mapping[str, int] = {"deactivations": 0}

    def __init__(self) -> None:
        super().__init__()
        self._died: dict[str, list[str]] = {}

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The day."""
        if request.path.startswith(_FILES):
            return request.path.removeprefix(_FILES), ("file",)
        return _day(request), ("deactivations",)

    def answer(self, request: Request) -> Reply:
        """Where a day's file is, or the file."""
        if request.method == "GET" and request.path.startswith(_FILES):
            return self._file(request)
        if not self.authorised(request):
            return unauthorised()
        if request.method != "GET" or request.path != _PATH:
            return not_found()
        try:
            day = date.fromisoformat(_day(request))
        except ValueError:
            return twilio_error(400, 20001, "Invalid parameter Date")
        if day >= datetime.now(UTC).date():
            return not_found()
        host = request.header(b"host")
        signature = f"{draw('signed', day.isoformat()):016x}"
        address = f"http://{host}/{self.name}{_FILES}{day}?X-Signature={signature}"
        body = orjson.dumps({"redirect_to": address})
        return Reply(307, body, f"Location: {address}\r\n")

    def control(self, name: str, document: Any) -> bool:
        """`died`: numbers that stand in the file of a day, beside those of strangers."""
        if name != "died":
            return False
        numbers = document["numbers"]
        if not isinstance(numbers, list):
            raise InputError("numbers is a list of E.164 numbers.")
        self._died[date.fromisoformat(document["day"]).isoformat()] = numbers
        return True

    def _file(self, request: Request) -> Reply:
        day = request.path.removeprefix(_FILES)
        if request.header(b"authorization"):
            return refused(400, {"message": "Only one auth mechanism allowed"})
        if request.query != f"X-Signature={draw('signed', day):016x}":
            return refused(403, {"message": "AccessDenied"})
        strangers = (f"1{draw(day, str(n)) % 8 + 2}{draw(day, str(n)) % 10**9:09d}" for n in
                     range(_STRANGERS))  # fmt: skip
        ours = (number.removeprefix("+") for number in self._died.get(day, []))
        text = "\n".join([*strangers, *ours, ""])
        return Reply(200, text.encode(), content_type="text/plain")


def _day(request: Request) -> str:
    return parse_qs(request.query).get("Date", [""])[0]
