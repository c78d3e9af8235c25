"""What every vendor's client must hold, whatever its vendor does; each is a subclass of this.

    class TestTrestle(ClientContract):
        def client(self, url, timeouts): return TrestleClient(url, self.secret, timeouts=timeouts)
        def questions(self): return [question("reverse_phone")]
        good = b'{"is_valid": true, …}'

Belongs here: faults of the wire and of answers, over real sockets. Does not: a vendor's own errors
and quirks (its test in tests/resources), its contract file (see `openapi`).
"""

from __future__ import annotations

import asyncio
import json
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from copy import deepcopy
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    ProviderError,
    RateLimited,
    TransientFailure,
    UnknownOutcome,
)
from bulk_lookup_dagster.engine.provider import Exchange, Question
from resources.http import Timeouts
from resources.vendor import Client
from tests.fakes.peer import Peer, Reader, Writer, served, until
from tests.fakes.recorder import recording, response

NUMBER = "+14155552671"
FAST = Timeouts(connect=1, read=5, total=10)
_HUGE = 64 * 1024 * 1024
_JSON = "Content-Type: application/json\r\n"


def question(operation: str, subject: str = NUMBER, number: int = 1, **params: str) -> Question:
    """A question about a subject, reserved at a cent."""
    return Question(number, number, subject, operation, params, 10_000)


class ClientContract(ABC):
    """The tests; a subclass gives `client`, `questions`, `good` and, where needed, the others.

    `expected` says what a status means at this vendor where it is not the usual; `error_bodies`
    what it sends with one. `told` are texts no error may hold beside the secret and the subjects.
    """

    secret: ClassVar[str] = "hidden-word-1"
    good: ClassVar[bytes]
    told: ClassVar[tuple[str, ...]] = ()
    expected: ClassVar[Mapping[int, type[ProviderError]]] = {}
    error_bodies: ClassVar[Mapping[int, bytes]] = {}

    @abstractmethod
    def client(self, url: str, timeouts: Timeouts) -> Client:
        """A client of this vendor at an address, with `secret` as its credential."""

    @abstractmethod
    def questions(self) -> Sequence[Question]:
        """Questions that one exchange answers."""

    def test_a_good_answer_is_read_into_columns(self) -> None:
        exchange = self._asked(response(200, self.good, _JSON))
        assert exchange.status == 200
        assert exchange.response_bytes == len(self.good)
        assert [one.claim_id for one in exchange.answers] == [
            one.claim_id for one in self.questions()
        ]
        for asked, answer in zip(self.questions(), exchange.answers, strict=True):
            assert answer.failure is None
            assert answer.outcome == "data"
            assert self._parsed(asked.operation, answer.body)

    def test_f27_every_part_may_be_of_the_wrong_type_or_missing(self) -> None:
        bodies = list(_mutations(json.loads(self.good)))
        refused = 0
        for body in bodies:
            refused += self._refused(json.dumps(body).encode())
        assert bodies
        assert refused, "nothing was noticed"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html><body>Down for maintenance</body></html>",
            b"null",
            b"[]",
            b'"text"',
            b"{",
            b"\xff\xfe\x00",
        ],
        ids=["empty", "html", "null", "list", "text", "half", "no text"],
    )
    def test_f26_a_200_that_is_no_answer_is_a_typed_error(self, body: bytes) -> None:
        assert self._refused(body) == 1

    def test_f26_a_truncated_answer_is_a_bad_response(self) -> None:
        cut = response(200, self.good[:-1], _JSON, length=len(self.good))
        self._fails(BadResponse, cut, stay=False)

    @pytest.mark.parametrize("status", [401, 403])
    def test_refused_credentials_stop_the_provider(self, status: int) -> None:
        error = self._fails(self.expected.get(status, AuthFailed), self._error(status))
        if isinstance(error, AuthFailed):
            assert error.unbilled
            assert error.stops_provider

    @pytest.mark.parametrize("wait", ["", "Retry-After: 7\r\n"], ids=["bare", "Retry-After"])
    def test_f25_a_429_is_free_and_its_wait_is_read(self, wait: str) -> None:
        error = self._fails(self.expected.get(429, RateLimited), self._error(429, wait))
        assert error.unbilled
        assert error.retry_after == (timedelta(seconds=7) if wait else None)

    @pytest.mark.parametrize("status", [500, 502])
    def test_a_server_error_is_never_taken_for_no_data(self, status: int) -> None:
        usual = self.expected.get(status, self.expected.get(500, UnknownOutcome))
        error = self._fails(usual, self._error(status))
        assert error.status == status

    def test_a_body_of_64_mb_is_not_read(self) -> None:
        sent = 0

        async def flood(peer: Peer, reader: Reader, writer: Writer) -> None:
            nonlocal sent
            await peer.head(reader)
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {_HUGE}\r\n\r\n".encode())
            while sent < _HUGE and not writer.transport.is_closing():
                writer.write(b" " * 65_536)
                sent += 65_536
                try:
                    await writer.drain()
                except ConnectionError:
                    return

        async def run() -> None:
            async with served(flood) as peer, self.client(peer.url, FAST) as client:
                await client.ask(self.questions(), uuid4())

        self._private(BadResponse, run())
        assert sent < _HUGE / 2

    def test_a_redirect_is_not_followed_and_tells_nobody_the_key(self) -> None:
        async def run() -> None:
            async with recording(response()) as elsewhere:
                moved = response(307, b"", f"Location: {elsewhere.url}/x\r\n")
                try:
                    async with (
                        recording(moved) as vendor,
                        self.client(vendor.url, FAST) as client,
                    ):
                        await client.ask(self.questions(), uuid4())
                finally:
                    assert elsewhere.requests == []

        self._private(BadResponse, run())

    def test_f30_silence_is_an_unknown_outcome(self) -> None:
        self._fails(UnknownOutcome, b"", timeouts=Timeouts(connect=1, read=0.1, total=10))

    def test_f30_a_slow_drip_is_ended_by_the_deadline(self) -> None:
        async def drip(peer: Peer, reader: Reader, writer: Writer) -> None:
            await peer.head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")
            while not reader.at_eof():
                writer.write(b" ")
                await asyncio.sleep(0.01)

        async def run() -> None:
            slow = Timeouts(connect=1, read=5, total=0.2)
            async with served(drip) as peer, self.client(peer.url, slow) as client:
                await client.ask(self.questions(), uuid4())

        self._private(UnknownOutcome, run())

    def test_nothing_was_sent_where_nobody_listens(self) -> None:
        with closing(socket.socket()) as reserved:
            reserved.bind(("127.0.0.1", 0))

            async def run() -> None:
                url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
                async with self.client(url, FAST) as client:
                    await client.ask(self.questions(), uuid4())

            assert self._private(TransientFailure, run()).unbilled

    def test_f28_the_client_does_not_show_its_credentials(self) -> None:
        assert self.secret not in repr(self.client("http://127.0.0.1:9", FAST))

    def test_the_client_says_how_long_a_call_may_take(self) -> None:
        client = self.client("http://127.0.0.1:9", FAST)
        assert client.deadline == timedelta(seconds=FAST.longest)
        assert client.subjects_per_request >= 1
        assert {one.operation for one in self.questions()} <= client.operations.keys()
        assert client.endpoint(self.questions())

    def _error(self, status: int, headers: str = "") -> bytes:
        return response(status, self.error_bodies.get(status, b"{}"), headers)

    def _parsed(self, operation: str, body: bytes) -> Mapping[str, Any]:
        return self.client("http://127.0.0.1:9", FAST).parse(operation, body)

    def _asked(self, answer: bytes) -> Exchange:
        async def run() -> Exchange:
            async with recording(answer) as vendor, self.client(vendor.url, FAST) as client:
                try:
                    return await client.ask(self.questions(), uuid4())
                finally:
                    assert len(vendor.requests) == 1, "a client asks once and never by itself again"

        return asyncio.run(run())

    def _refused(self, body: bytes) -> int:
        """1 where a body is noticed, at once, in a part or when it is read; 0 where it passes."""
        try:
            exchange = self._asked(response(200, body, _JSON))
            for asked, answer in zip(self.questions(), exchange.answers, strict=True):
                if answer.failure is not None:
                    raise answer.failure
                self._parsed(asked.operation, answer.body)
        except ProviderError as error:
            self._tells_nothing(error)
            return 1
        return 0

    def _fails(
        self,
        kind: type[ProviderError],
        data: bytes,
        *,
        stay: bool = True,
        timeouts: Timeouts = FAST,
    ) -> ProviderError:
        async def script(peer: Peer, reader: Reader, writer: Writer) -> None:
            if await peer.head(reader):
                writer.write(data)
                if stay:
                    await reader.read()

        async def run() -> None:
            async with served(script) as peer:
                try:
                    async with self.client(peer.url, timeouts) as client:
                        await client.ask(self.questions(), uuid4())
                finally:
                    await until(lambda: len(peer.heads) == 1)

        return self._private(kind, run())

    def _private(self, kind: type[ProviderError], work: Any) -> ProviderError:
        with pytest.raises(kind) as failed:
            asyncio.run(work)
        self._tells_nothing(failed.value)
        return failed.value

    def _tells_nothing(self, error: ProviderError) -> None:
        subjects = [one.subject.removeprefix("+") for one in self.questions()]
        for text in (str(error), repr(error), repr(error.args), repr(error.__dict__)):
            for private in (self.secret, *subjects, *self.told):
                assert private not in text


def _mutations(document: Any) -> Iterator[Any]:
    """The document with each part in turn of another type, and each part in turn missing."""
    for path in _paths(document):
        for wrong in (_other_type(_at(document, path)), None):
            changed = deepcopy(document)
            _at(changed, path[:-1])[path[-1]] = wrong
            yield changed


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for name, each in parts:
        yield (*path, name)
        if isinstance(each, dict | list):
            yield from _paths(each, (*path, name))


def _at(value: Any, path: Sequence[Any]) -> Any:
    for name in path:
        value = value[name]
    return value


def _other_type(value: Any) -> Any:
    return {"x": [1]} if isinstance(value, str | int | float | list) else "x"
