"""The baseline of `bench.engine`: the same requests over bare aiohttp, JSON parsed, no database."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import aiohttp

from bench.harness import OPERATION
from resources.http import basic_auth


async def work(options: dict[str, Any]) -> dict[str, Any]:
    """All requests, `concurrency` at once over as many connections; times in seconds."""
    urls = (
        f"{options['url']}/v2/PhoneNumbers/%2B1415{2_000_000 + number:07d}?Fields={OPERATION}"
        for number in range(1, options["subjects"] + 1)
    )
    connector = aiohttp.TCPConnector(limit=options["concurrency"])
    headers = {"Authorization": basic_auth("AC" + "0" * 32, "sandbox")}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        cpu = time.process_time()
        began = time.perf_counter()
        await asyncio.gather(*(_drain(session, urls) for _ in range(options["concurrency"])))
        wall = time.perf_counter() - began
        cpu = time.process_time() - cpu
    return {"wall": wall, "cpu": cpu}


async def _drain(session: aiohttp.ClientSession, urls: Iterator[str]) -> None:
    for url in urls:
        async with session.get(url) as response:
            json.loads(await response.read())


if __name__ == "__main__":
    print(json.dumps(asyncio.run(work(json.loads(sys.stdin.readline())))))
