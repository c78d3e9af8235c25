"""A small, fast HTTP/1.1 server that can also misbehave: what a vendor's edge does on a bad day.

Faults need the socket itself (cut before or after processing, half a body, a byte a second),
which is why this is an asyncio protocol and not an ASGI application.

Belongs here: bytes. Does not: what is answered (see `app`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

MAX_REQUEST = 8 * 1024 * 1024
HUGE_BYTES = 64 * 1024 * 1024
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_HTML = b"<html><body><h1>Temporarily down for maintenance</h1></body></html>"


@dataclass(slots=True)
class Request:
    """One request; `path` is decoded, `query` is not."""

    method: str
    path: str
    query: str
    head: bytes
    body: bytes

    def header(self, name: bytes) -> str:
        """A header's value, '' where absent; `name` in lower case."""
        at = self.head.lower().find(b"\r\n" + name + b":")
        if at < 0:
            return ""
        start = at + len(name) + 3
        return self.head[start : self.head.find(b"\r\n", start)].strip().decode("latin-1")


@dataclass(slots=True)
class Response:
    """An answer; `fault` is carried out while it is sent, `sent` called once it has left."""

    status: int
    body: bytes = b""
    headers: str = ""
    delay: float = 0.0
    fault: str | None = None
    sent: Callable[[float], None] | None = field(default=None)
    content_type: str = "application/json"


@cache
def _huge() -> bytes:
    return b" " * HUGE_BYTES


class HttpProtocol(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self, handle: Callable[[Request], Response]) -> None:
        self._handle = handle
        self._buffer = b""
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Serve every whole request."""
        self._buffer = self._buffer + data if self._buffer else data
        if len(self._buffer) > MAX_REQUEST:
            self._cut()
        elif not self._busy:
            self._next()

    def _next(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[: end + 2]
        length = 0
        if head[:3] != b"GET":
            at = head.lower().find(b"\r\ncontent-length:")
            if at >= 0:
                length = int(head[at + 17 : head.find(b"\r\n", at + 2)])
        total = end + 4 + length
        if len(self._buffer) < total:
            return
        body = self._buffer[end + 4 : total]
        self._buffer = self._buffer[total:]
        method, target, _ = head[: head.find(b"\r\n")].decode("latin-1").split(" ", 2)
        path, _, query = target.partition("?")
        self._busy = True
        response = self._handle(Request(method, unquote(path), query, head, body))
        if response.fault == "drop_before" or response.fault == "drop_after":
            self._later(response.delay, self._cut)
        elif response.fault != "hang":
            self._later(response.delay, self._send, response)

    def _later(self, delay: float, call: Callable[..., None], *arguments: object) -> None:
        if delay:
            asyncio.get_running_loop().call_later(delay, call, *arguments)
        else:
            call(*arguments)

    def _send(self, response: Response) -> None:
        if self._transport is None:
            return
        body = response.body
        match response.fault:
            case "html":
                body = _HTML
            case "empty":
                body = b""
            case "huge":
                body = _huge()
        head = (
            f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}\r\n"
            f"Content-Type: {response.content_type}\r\nContent-Length: {len(body)}\r\n"
            f"{response.headers}\r\n"
        ).encode("latin-1")
        if response.fault == "truncated":
            self._transport.write(head + body[: len(body) // 2])
            self._cut()
        elif response.fault == "drip":
            self._drip(head + body)
        else:
            if response.fault == "huge":
                self._transport.write(head)  # the head is under way before 64 MB are copied
                head = b""
            self._transport.write(head + body if head else body)
            self._finish(response)

    def _finish(self, response: Response) -> None:
        if response.sent is not None:
            response.sent(time.time())
        self._busy = False
        if self._buffer:
            self._next()

    def _drip(self, rest: bytes) -> None:
        if self._transport is None or not rest:
            return
        self._transport.write(rest[:1])
        self._later(0.5, self._drip, rest[1:])

    def _cut(self) -> None:
        if self._transport is not None:
            self._transport.close()
