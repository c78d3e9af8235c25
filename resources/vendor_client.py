"""What every vendor's client has: one transport, time-outs, opening and closing, reading parts.

Belongs here: the parts of `engine.provider.Provider` and `vendor.Client` that do not differ.
Does not: URLs, request shapes and errors (one `NAME_client.py` each).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Self

import orjson

from bulk_lookup_dagster.core.errors import BadResponse, ConfigError
from bulk_lookup_dagster.core.vendor_settings import VendorSettings
from bulk_lookup_dagster.engine.provider import Operation, Question
from resources.http import MAX_BODY_BYTES, Reply, Timeouts, Transport
from resources.vendor import Health

Parser = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def timeouts_of(settings: VendorSettings) -> Timeouts:
    """A vendor's time-outs as the wire takes them."""
    return Timeouts(settings.connect_timeout_s, settings.read_timeout_s, settings.total_timeout_s)


def json_body(reply: Reply) -> Any:
    """The JSON value of a reply, None where the body is no JSON; never raises."""
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None


class VendorClient:
    """Base of the clients; use with `async with`, one per event loop.

    A subclass sets `name`, `operations` and `parsers` and writes `ask`. `parsers` are pure: they
    take an operation's stored part and give the columns of its row.
    """

    name: ClassVar[str]
    operations: ClassVar[Mapping[str, Operation]]
    parsers: ClassVar[Mapping[str, Parser]]

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        concurrency: int,
        timeouts: Timeouts,
        max_body: int = MAX_BODY_BYTES,
    ) -> None:
        self._timeouts = timeouts
        self._transport = Transport(
            base_url,
            headers=dict(headers),
            timeouts=timeouts,
            limit=concurrency,
            max_body=max_body,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._transport.host})"

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    @property
    def subjects_per_request(self) -> int:
        """One, unless the vendor has a batch endpoint."""
        return 1

    @property
    def deadline(self) -> timedelta:
        """The longest a call may take, connect to last byte."""
        return timedelta(seconds=self._timeouts.longest)

    def endpoint(self, questions: Sequence[Question]) -> str:
        """Each operation has a circuit of its own."""
        return questions[0].operation

    def parse(self, operation: str, body: bytes) -> Mapping[str, Any]:
        """Columns of the step's row from a stored part."""
        part = orjson.loads(body)
        if not isinstance(part, dict):
            raise BadResponse(f"{self.name}: the part of {operation} is not an object.")
        return self.parsers[operation](part)

    async def check(self) -> Health:
        """Only vendors with a free call have one; the registry says which."""
        raise ConfigError(
            f"{self.name} has only paid calls.",
            fix="Let one be paid for: bulk-lookup doctor --providers --spend USD.",
        )

    async def account_rate(self, _operations: Collection[str]) -> float | None:
        """Most vendors do not tell."""
        return None
