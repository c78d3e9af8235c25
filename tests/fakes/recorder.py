"""A server that keeps whole requests and answers each with the same bytes.

Belongs here: what a client really writes to its socket. Does not: what it should have written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Recorder:
    """What arrived, in order."""

    url: str = ""
    requests: list[Sent] = field(default_factory=list)


def response(
    status: int = 200, body: bytes = b"{}", headers: str = "", *, length: int | None = None
) -> bytes:
    """A whole HTTP response."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status} X\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


@asynccontextmanager
async def recording(answer: bytes) -> AsyncIterator[Recorder]:
    """A recorder that gives `answer` to every request and keeps the connection."""
    recorder = Recorder()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines)
                body = await reader.readexactly(int(headers.get("Content-Length", 0)))
                method, target, _ = first.split(" ")
                recorder.requests.append(Sent(method, target, headers, body))
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    recorder.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with asyncio.timeout(30):
            yield recorder
    finally:
        server.close()
