"""Callbacks: what a vendor posts to us later. Only to this machine, over plain HTTP.

Belongs here: delivering, and trying again while nobody takes it. Does not: what is posted (one file
per vendor).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from urllib.parse import urlsplit

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.simulator import Callback

_TRIES = 5
_SECONDS = 5.0
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_running: set[asyncio.Task[None]] = set()


def checked(url: str) -> str:
    """The address, if it is one on this machine; raises `InputError`."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        raise InputError("The sandbox calls back only to http on this machine.")
    return url


def deliver(callbacks: Iterable[Callback]) -> None:
    """Post each in the background, after its delay."""
    for one in callbacks:
        task = asyncio.get_running_loop().create_task(_deliver(one))
        _running.add(task)
        task.add_done_callback(_running.discard)


async def _deliver(callback: Callback) -> None:
    for attempt in range(_TRIES):
        await asyncio.sleep(callback.delay_s * 2**attempt)
        if not callback.due():
            return
        try:
            async with asyncio.timeout(_SECONDS):
                if 200 <= await _post(callback) < 300:
                    return
        except (OSError, TimeoutError, ValueError):
            continue


async def _post(callback: Callback) -> int:
    parts = urlsplit(checked(callback.url))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/json",
            "Content-Length": str(len(callback.body)),
            "Connection": "close",
            **callback.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"POST {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + callback.body)
        await writer.drain()
        status = (await reader.readline()).split(b" ")
        return int(status[1])
    finally:
        writer.close()
