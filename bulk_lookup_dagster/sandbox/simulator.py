"""What a vendor's file in the sandbox gives: the Simulator protocol and its answers.

Belongs here: the seam between one vendor and what all share. Does not: faults, the log, billing
(see `account`), any vendor's shapes (one file each).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs

import orjson

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.server import Request

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Callback:
    """A POST the vendor makes later, to an address on this machine.

    `due` is asked when its time has come: what is no longer true is not posted.
    """

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.1
    due: Callable[[], bool] = lambda: True


@dataclass(slots=True)
class Reply:
    """A vendor's answer. `billed` are (subject, operation) pairs; `headers` whole header lines.

    A refusal by the vendor's own rules (wrong key, no such path) is not `counted`.
    """

    status: int
    body: bytes = b""
    headers: str = ""
    billed: Sequence[tuple[str, str]] = ()
    content_type: str = JSON
    counted: bool = True
    callbacks: Sequence[Callback] = ()


class Simulator(Protocol):
    """One vendor. `prices` are micro-dollars by operation.

    `asked` says whom a request is about and which operations it names: faults are drawn by the
    subject, the log keeps both. `answer` is called for requests no fault refuses; it depends on the
    request and the world alone, unless the vendor itself has state. `refusal` gives the vendor's
    own words for a fault; None: the sandbox's plain ones. `control` takes `PUT /_sandbox/NAME`
    meant for this vendor: False where there is no such control; raises `InputError`.
    """

    name: str
    prices: Mapping[str, int]

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """Subject and operations of a request, for the fault plan and the log."""
        ...

    def answer(self, request: Request) -> Reply:
        """The vendor's answer."""
        ...

    def refusal(self, fault: str, retry_after_s: int) -> Reply | None:
        """What the vendor says when a fault of the plan befalls a request."""
        ...

    def control(self, name: str, document: Any) -> bool:
        """A control of this vendor alone."""
        ...


class PlainSimulator:
    """Defaults for a vendor's file; it sets `name`, `prices`, `operations` and writes `answer`.

    `errors` maps faults to (status, JSON document); `Retry-After` is added to `rate_limited`.
    """

    name: str
    prices: Mapping[str, int]
    errors: Mapping[str, tuple[int, Any]] = {}

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """Without a better idea: the whole request, by its digest."""
        digest = zlib.crc32(f"{request.path}?{request.query}".encode() + request.body)
        return f"{digest:08x}", (request.path,)

    def refusal(self, fault: str, retry_after_s: int) -> Reply | None:
        """The vendor's words from `errors`."""
        if fault not in self.errors:
            return None
        status, document = self.errors[fault]
        wait = f"Retry-After: {retry_after_s}\r\n" if fault == "rate_limited" else ""
        return Reply(status, orjson.dumps(document), wait)

    def control(self, _name: str, _document: Any) -> bool:
        """None of its own."""
        return False


def parameter(request: Request, name: str) -> str:
    """A parameter of the query, '' where it is absent."""
    return parse_qs(request.query).get(name, [""])[0]


def json_reply(document: Any, status: int = 200, **options: Any) -> Reply:
    """An answer in JSON."""
    return Reply(status, orjson.dumps(document), **options)


def refused(status: int, document: Any) -> Reply:
    """A refusal by the vendor's own rules: not billed, not counted."""
    return Reply(status, orjson.dumps(document), counted=False)


def json_object(body: bytes) -> dict[str, Any]:
    """A request's JSON object; raises `InputError` where it is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise InputError("A JSON object is expected.")
    return document
