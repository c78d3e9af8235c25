"""HTTP for all vendors: one exchange, never resent, on aiohttp's connector and parser.

Time-outs, the size cap, connection reuse and redaction live here once. `TransientFailure` marked
unbilled means that nothing was written; whatever is lost after that is `UnknownOutcome`. No error
carries a path, a header or a body: they hold phone numbers and credentials.

`Transport` speaks httpx types; `send` is the same exchange without them, for the hot path.
It stays below aiohttp's session on purpose: the session resends idempotent requests by itself.

Belongs here: the wire. Does not: any vendor's URLs or error codes (one file each).
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self, cast
from urllib.parse import urlencode
from uuid import UUID

import aiohttp
import httpx
from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.client_exceptions import ClientConnectorError, ClientError, ClientPayloadError
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDictProxy
from yarl import URL

from bulk_lookup_dagster.core.errors import (
    BadResponse,
    ConfigError,
    TransientFailure,
    UnknownOutcome,
)
from resources.sink import Sink

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
Headers = Mapping[str, str]
_NONE: Headers = MappingProxyType({})
MAX_BODY_BYTES = 4 * 1024 * 1024
_SWITCHING_PROTOCOLS = 101
_OK = 200


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two reads, and for the whole exchange after connecting."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 15.0

    @property
    def longest(self) -> float:
        """The longest one exchange can take."""
        return self.connect + self.total


@dataclass(frozen=True, slots=True)
class Reply:
    """A response read to its end."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def __repr__(self) -> str:
        return f"Reply(status={self.status}, {len(self.body)} bytes)"


def basic_auth(user: str, password: str) -> str:
    """Value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _lines(request_id: UUID, headers: Headers) -> str:
    lines = f"X-Request-Id: {request_id.hex}\r\n"
    for name, value in headers.items():
        if not value.isprintable():
            raise ValueError(f"header {name} holds a character no header may")
        lines += f"{name}: {value}\r\n"
    return lines


class Transport(httpx.AsyncBaseTransport):
    """Connections to one origin, at most `limit` of them, for one event loop."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: dict[str, str],
        timeouts: Timeouts,
        limit: int,
        max_body: int = MAX_BODY_BYTES,
    ) -> None:
        url = URL(base_url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigError(
                "A provider's base URL is not an http(s) address.",
                fix="Write it as https://host, without a path; see <PROVIDER>_BASE_URL.",
            )
        self._origin = url.origin()
        self._prefix = url.path.rstrip("/")
        self.host = url.host
        shared = {
            "Host": url.host if url.is_default_port() else f"{url.host}:{url.port}",
            "Accept": "application/json",
            # A compressed answer could expand beyond any cap.
            "Accept-Encoding": "identity",
            "User-Agent": "bulk-lookup",
            **headers,
        }
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in shared.items())
        self._timeouts = timeouts
        self._connect_timeout = ClientTimeout(
            total=None, connect=timeouts.connect, sock_connect=timeouts.connect
        )
        self._limit = limit
        self._max_body = max_body
        self._connector: TCPConnector | None = None

    def __repr__(self) -> str:
        return f"Transport({self.host})"

    async def __aenter__(self) -> Self:
        self._connector = TCPConnector(limit=self._limit, keepalive_timeout=15.0)
        self._template = ClientRequest("GET", self._origin)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        connector, self._connector = self._connector, None
        if connector is not None:
            await connector.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange in httpx's types."""
        body = await request.aread()
        extra = "".join(
            f"{name}: {value}\r\n"
            for name, value in request.headers.items()
            if name in ("content-type", "x-request-id")
        )
        target = request.url.raw_path.decode().removeprefix(self._prefix)
        reply = await self.send(request.method, target, extra, body)
        return httpx.Response(
            reply.status, headers=list(reply.headers.items()), content=reply.body, request=request
        )

    async def get(self, target: str, request_id: UUID, headers: Headers = _NONE) -> Reply:
        """GET `target` (path and query, percent-encoded), with its correlation id."""
        return await self.send("GET", target, _lines(request_id, headers))

    async def post(
        self,
        target: str,
        body: bytes,
        request_id: UUID,
        content_type: str = JSON,
        headers: Headers = _NONE,
    ) -> Reply:
        """POST bytes of any type; multipart bodies too, with their boundary in the type."""
        shared = {"Content-Type": content_type, **headers}
        return await self.send("POST", target, _lines(request_id, shared), body)

    async def post_json(self, target: str, body: bytes, request_id: UUID) -> Reply:
        """POST a JSON document."""
        return await self.post(target, body, request_id)

    async def post_form(
        self,
        target: str,
        fields: Sequence[tuple[str, str]],
        request_id: UUID,
        headers: Headers = _NONE,
    ) -> Reply:
        """POST fields; a name may occur more than once."""
        return await self.post(target, urlencode(fields).encode(), request_id, FORM, headers)

    async def download(
        self,
        target: str,
        path: Path,
        request_id: UUID,
        *,
        max_bytes: int,
        headers: Headers = _NONE,
    ) -> Reply:
        """GET into a file, which is there whole or not at all; the reply's body is empty.

        A status other than 200 writes no file and comes back with its body, which is small.
        """
        part = path.with_name(f"{path.name}.{request_id.hex}.part")
        sink = Sink(part, max_bytes)
        try:
            reply = await self.send("GET", target, _lines(request_id, headers), sink=sink)
            if reply.status == _OK:
                sink.publish(path)
            return reply
        finally:
            sink.discard()

    async def send(
        self, method: str, target: str, extra: str, body: bytes = b"", sink: Sink | None = None
    ) -> Reply:
        """One exchange, or a `ProviderError`; `extra` are complete header lines.

        The body of a 200 goes to `sink` where there is one.
        """
        if " " in target or not target.isprintable():
            raise ValueError("the request target is not percent-encoded")
        length = f"Content-Length: {len(body)}\r\n" if body or method != "GET" else ""
        head = f"{method} {self._prefix}{target} HTTP/1.1\r\n{self._headers}{extra}{length}\r\n"
        connection = await self._connect()
        finished = False
        try:
            protocol = connection.protocol
            transport = None if protocol is None else protocol.transport
            if protocol is None or transport is None or transport.is_closing():
                raise TransientFailure(
                    f"{self.host} closed the connection before the request.", unbilled=True
                )
            protocol.set_response_params(
                auto_decompress=False, read_until_eof=True, read_timeout=self._timeouts.read
            )
            cast("asyncio.WriteTransport", transport).write(head.encode("latin-1") + body)
            protocol.start_timeout()
            async with asyncio.timeout(self._timeouts.total):
                reply = await self._read(protocol, sink)
            finished = not protocol.should_close
            return reply
        except ClientPayloadError:
            raise BadResponse(f"{self.host} sent a truncated response.") from None
        except HttpProcessingError:
            raise BadResponse(f"{self.host} did not answer in HTTP.") from None
        except TimeoutError:
            raise UnknownOutcome(
                f"{self.host} did not answer in time after the request was sent."
            ) from None
        except (ClientError, OSError):
            raise UnknownOutcome(
                f"The connection to {self.host} was lost after the request was sent."
            ) from None
        finally:
            if finished:
                connection.release()
            else:
                connection.close()

    async def _connect(self) -> aiohttp.connector.Connection:
        if self._connector is None:
            raise RuntimeError("the transport is not open: use `async with`")
        try:
            return await self._connector.connect(self._template, [], self._connect_timeout)
        except (ClientConnectorError, TimeoutError, OSError) as error:
            reason = "timed out" if isinstance(error, TimeoutError) else "failed"
            raise TransientFailure(
                f"Connecting to {self.host} {reason}; nothing was sent.", unbilled=True
            ) from None

    async def _read(self, protocol: ResponseHandler, sink: Sink | None) -> Reply:
        message, payload = await protocol.read()
        while message.code < _OK:
            if message.code == _SWITCHING_PROTOCOLS:
                raise BadResponse(f"{self.host} switched protocols.")
            message, payload = await protocol.read()
        if sink is not None and message.code == _OK:
            while chunk := await payload.readany():
                if not sink.write(chunk):
                    raise BadResponse(
                        f"{self.host} sent a file of more than {sink.max_bytes} bytes.",
                        status=message.code,
                    )
            return Reply(message.code, message.headers, b"")
        body = await payload.readany()
        while not payload.at_eof():
            if len(body) > self._max_body:
                break
            body += await payload.readany()
        if len(body) > self._max_body:
            raise BadResponse(
                f"{self.host} sent more than {self._max_body} bytes.", status=message.code
            )
        return Reply(message.code, message.headers, body)
