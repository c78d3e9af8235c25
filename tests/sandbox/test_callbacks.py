"""Callbacks of the sandbox: delivered to this machine, tried again, and to nobody else."""

from __future__ import annotations

import asyncio

import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.callbacks import checked, deliver
from bulk_lookup_dagster.sandbox.simulator import Callback
from tests.fakes.peer import Peer, Reader, Writer, served, until
from tests.fakes.recorder import recording, response


def test_a_callback_arrives_whole_with_its_headers() -> None:
    async def run() -> None:
        async with recording(response(204, b"")) as ours:
            url = f"{ours.url}/callbacks/vendor?x=1"
            deliver([Callback(url, b'{"id": 1}', {"X-Signature": "abc"}, delay_s=0.0)])
            await until(lambda: len(ours.requests) == 1)
            (sent,) = ours.requests
            assert (sent.method, sent.target) == ("POST", "/callbacks/vendor?x=1")
            assert (sent.body, sent.headers["X-Signature"]) == (b'{"id": 1}', "abc")

    asyncio.run(run())


def test_a_callback_nobody_took_is_tried_again() -> None:
    async def run() -> None:
        async def second_time(peer: Peer, reader: Reader, writer: Writer) -> None:
            if await peer.head(reader):
                status = 500 if len(peer.heads) == 1 else 200
                writer.write(response(status))

        async with served(second_time) as ours:
            deliver([Callback(f"{ours.url}/x", b"{}", delay_s=0.01)])
            await until(lambda: len(ours.heads) == 2)

    asyncio.run(run())


def test_what_is_no_longer_true_when_its_time_comes_is_not_posted() -> None:
    async def run() -> None:
        async with recording(response(204, b"")) as ours:
            outdated = Callback(f"{ours.url}/late", b"{}", delay_s=0.0, due=lambda: False)
            deliver([outdated, Callback(f"{ours.url}/true", b"{}", delay_s=0.05)])
            await until(lambda: len(ours.requests) == 1)
            assert ours.requests[0].target == "/true"

    asyncio.run(run())


@pytest.mark.parametrize("url", ["https://127.0.0.1/x", "http://example.test/x", "/x", ""])
def test_nobody_else_is_called(url: str) -> None:
    with pytest.raises(InputError, match="this machine"):
        checked(url)
