"""A server that answers by script over a real socket, and a transport to ask it with.

Belongs here: raw bytes and what must hold for every error. Does not: any vendor.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias
from uuid import uuid4

from bulk_lookup_dagster.core.errors import ProviderError
from resources.http import Reply, Timeouts, Transport, basic_auth

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
TARGET = "/v2/PhoneNumbers/%2B14155552671"
SECRET = "hidden-token"
FAST = Timeouts(connect=1, read=5, total=10)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Peer:
    """A scripted server: it keeps the heads it was sent and the connections it still has."""

    def __init__(self, script: Callable[[Peer, Reader, Writer], Awaitable[None]]) -> None:
        self._script = script
        self.heads: list[str] = []
        self.accepted = 0
        self.open = 0
        self.arrived = asyncio.Event()
        self.url = ""

    async def head(self, reader: Reader) -> bool:
        """Read one request's head; False once the client has gone."""
        try:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        self.arrived.set()
        return True

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        self.accepted += 1
        self.open += 1
        try:
            await self._script(self, reader, writer)
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def served(script: Callable[[Peer, Reader, Writer], Awaitable[None]]) -> AsyncIterator[Peer]:
    peer = Peer(script)
    server = await asyncio.start_server(peer, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with asyncio.timeout(20):
            yield peer
    finally:
        server.close()


def client(url: str, timeouts: Timeouts = FAST, limit: int = 2, max_body: int = 1000) -> Transport:
    headers = {"Authorization": basic_auth("AC1", SECRET)}
    return Transport(url, headers=headers, timeouts=timeouts, limit=limit, max_body=max_body)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for the other side to notice, bounded."""
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")


async def answer_always(peer: Peer, reader: Reader, writer: Writer) -> None:
    while await peer.head(reader):
        writer.write(OK)


def once(data: bytes, *, stay: bool = False) -> Callable[[Peer, Reader, Writer], Awaitable[None]]:
    """A script that sends `data` to the first request, then hangs up or, with `stay`, listens."""

    async def script(peer: Peer, reader: Reader, writer: Writer) -> None:
        if await peer.head(reader):
            writer.write(data)
            if stay:
                await reader.read()

    return script


def exchange(data: bytes, *, stay: bool = False, timeouts: Timeouts = FAST) -> Reply:
    async def run() -> Reply:
        async with served(once(data, stay=stay)) as peer, client(peer.url, timeouts) as wire:
            try:
                return await wire.get(TARGET, uuid4())
            finally:
                # Whatever happened, it was asked once.
                assert len(peer.heads) == 1

    return asyncio.run(run())


def assert_private(error: ProviderError) -> None:
    for text in (str(error), repr(error), repr(error.args)):
        for told in ("4155552671", SECRET, basic_auth("AC1", SECRET), "secret-body", "/v2/"):
            assert told not in text
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
