"""The wire over real sockets: what each failure is called, and what no error tells."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from uuid import UUID, uuid4

import pytest

from bulk_lookup_dagster.core.errors import (
    BadResponse,
    ConfigError,
    TransientFailure,
    UnknownOutcome,
)
from resources.http import Timeouts
from tests.fakes.peer import (
    OK,
    SECRET,
    TARGET,
    Peer,
    Reader,
    Writer,
    answer_always,
    assert_private,
    client,
    exchange,
    once,
    served,
    until,
)


def test_a_refused_connection_is_transient_and_unbilled() -> None:
    with closing(socket.socket()) as reserved:
        # Bound and not listening: connecting is refused and nobody else gets the port.
        reserved.bind(("127.0.0.1", 0))

        async def run() -> None:
            async with client(f"http://127.0.0.1:{reserved.getsockname()[1]}") as wire:
                await wire.get(TARGET, uuid4())

        with pytest.raises(TransientFailure, match="nothing was sent") as caught:
            asyncio.run(run())
    assert caught.value.unbilled
    assert_private(caught.value)


def test_a_connection_that_cannot_be_made_in_time_is_transient_and_unbilled() -> None:
    with closing(socket.socket()) as full, closing(socket.socket()) as waiting:
        # A full queue of connections leaves the next one without an answer.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting.connect(full.getsockname())

        async def run() -> None:
            url = f"http://127.0.0.1:{full.getsockname()[1]}"
            async with client(url, Timeouts(connect=0.1, read=5, total=10)) as wire:
                await wire.get(TARGET, uuid4())

        with pytest.raises(TransientFailure, match="timed out") as caught:
            asyncio.run(run())
    assert caught.value.unbilled
    assert_private(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=["no byte", "half a head"]
)
def test_a_connection_lost_after_sending_is_an_unknown_outcome(data: bytes) -> None:
    with pytest.raises(UnknownOutcome, match="lost after the request was sent") as caught:
        exchange(data)
    assert not caught.value.unbilled
    assert not caught.value.retryable
    assert_private(caught.value)


@pytest.mark.parametrize("data", [b"", OK[:-1]], ids=["no byte", "half a body"])
def test_f30_silence_after_sending_is_an_unknown_outcome(data: bytes) -> None:
    with pytest.raises(UnknownOutcome, match="in time") as caught:
        exchange(data, stay=True, timeouts=Timeouts(connect=1, read=0.1, total=10))
    assert not caught.value.unbilled
    assert_private(caught.value)


def test_f30_a_slow_drip_is_ended_by_the_deadline_of_the_whole_exchange() -> None:
    sent = 0

    async def drip(peer: Peer, reader: Reader, writer: Writer) -> None:
        nonlocal sent
        await peer.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        while not reader.at_eof() and sent < 900:
            writer.write(b"x")
            sent += 1
            await asyncio.sleep(0.01)

    async def run() -> None:
        # Every read is in time; only the whole is not.
        limits = Timeouts(connect=1, read=5, total=0.2)
        async with served(drip) as peer, client(peer.url, limits) as wire:
            await wire.get(TARGET, uuid4())

    with pytest.raises(UnknownOutcome, match="in time") as caught:
        asyncio.run(run())
    assert 0 < sent < 900
    assert_private(caught.value)


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nsecret-body", "truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsecr", "truncated"),
        (b"secret-body is not a status line\r\n\r\n", "not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", "not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: secret-body\r\n\r\n", "not answer in HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "switched protocols"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"z" * 1001, "more than 1000"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"z" * 5000, "more than 1000"),
    ],
)
def test_f26_an_answer_that_is_not_whole_http_of_bounded_size_is_a_bad_response(
    data: bytes, reason: str
) -> None:
    with pytest.raises(BadResponse, match=reason) as caught:
        exchange(data)
    assert not caught.value.unbilled
    assert_private(caught.value)


def test_f31_one_connection_is_reused_and_every_call_carries_its_own_request_id() -> None:
    ids = [uuid4() for _ in range(3)]

    async def run() -> None:
        async with served(answer_always) as peer, client(peer.url) as wire:
            for one in ids:
                assert (await wire.get(TARGET, one)).body == b"{}"
            assert peer.accepted == 1
            assert [request_id(head) for head in peer.heads] == ids
            assert peer.heads[0].startswith(f"GET {TARGET} HTTP/1.1\r\n")

    def request_id(head: str) -> UUID:
        return UUID(head.split("X-Request-Id: ")[1].split("\r\n")[0])

    asyncio.run(run())


def test_f12_no_more_connections_are_open_than_the_limit_and_the_rest_wait() -> None:
    async def run() -> None:
        gate = asyncio.Event()

        async def held(peer: Peer, reader: Reader, writer: Writer) -> None:
            while await peer.head(reader):
                await gate.wait()
                writer.write(OK)

        async with served(held) as peer, client(peer.url, limit=2) as wire:
            calls = [asyncio.create_task(wire.get(TARGET, uuid4())) for _ in range(6)]
            await until(lambda: len(peer.heads) == 2)
            for _ in range(50):  # Every chance for a third to come through.
                await asyncio.sleep(0)
            assert len(peer.heads) == 2
            gate.set()
            assert [reply.status for reply in await asyncio.gather(*calls)] == [200] * 6
            assert (peer.accepted, len(peer.heads)) == (2, 6)

    asyncio.run(run())


def test_f53_a_cancelled_call_leaves_no_socket_open_and_frees_its_place() -> None:
    async def run() -> None:
        async def first_is_silent(peer: Peer, reader: Reader, writer: Writer) -> None:
            while await peer.head(reader):
                if peer.accepted > 1:
                    writer.write(OK)

        async with served(first_is_silent) as peer, client(peer.url, limit=1) as wire:
            call = asyncio.create_task(wire.get(TARGET, uuid4()))
            await peer.arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await until(lambda: peer.open == 0)
            assert (await wire.get(TARGET, uuid4())).status == 200
            await wire.aclose()
            await until(lambda: peer.open == 0)

    asyncio.run(run())


@pytest.mark.parametrize(
    "timeouts",
    [Timeouts(connect=1, read=0.1, total=10), Timeouts(connect=1, read=10, total=0.1)],
    ids=["read", "total"],
)
def test_f53_a_call_out_of_time_leaves_no_socket_open_and_frees_its_place(
    timeouts: Timeouts,
) -> None:
    async def run() -> None:
        async def first_is_silent(peer: Peer, reader: Reader, writer: Writer) -> None:
            while await peer.head(reader):
                if peer.accepted > 1:
                    writer.write(OK)

        async with served(first_is_silent) as peer, client(peer.url, timeouts, limit=1) as wire:
            with pytest.raises(UnknownOutcome, match="in time"):
                await wire.get(TARGET, uuid4())
            await until(lambda: peer.open == 0)
            assert (await wire.get(TARGET, uuid4())).status == 200
            assert len(asyncio.all_tasks()) <= 3, "this one and the peer's"

    asyncio.run(run())


def test_f12_a_client_of_each_loop_has_connections_of_its_own() -> None:
    async def server() -> None:
        async with served(answer_always) as peer:

            def own_loop() -> None:
                async def ask() -> None:
                    async with client(peer.url) as wire:
                        for _ in range(3):
                            assert (await wire.get(TARGET, uuid4())).status == 200

                asyncio.run(ask())

            await asyncio.gather(*(asyncio.to_thread(own_loop) for _ in range(4)))
            assert (peer.accepted, len(peer.heads)) == (4, 12)
            await until(lambda: peer.open == 0)

    asyncio.run(server())


def test_a_kept_connection_that_is_cut_under_a_request_is_never_asked_again_silently() -> None:
    async def run() -> None:
        async def one_answer_then_cut(peer: Peer, reader: Reader, writer: Writer) -> None:
            await peer.head(reader)
            writer.write(OK)
            await peer.head(reader)

        async with served(one_answer_then_cut) as peer, client(peer.url) as wire:
            await wire.get(TARGET, uuid4())
            with pytest.raises(UnknownOutcome):
                await wire.get(TARGET, uuid4())
            assert (peer.accepted, len(peer.heads)) == (1, 2)

    asyncio.run(run())


def test_a_kept_connection_the_server_has_closed_is_replaced_before_anything_is_sent() -> None:
    async def run() -> None:
        async with served(once(OK)) as peer, client(peer.url) as wire:
            await wire.get(TARGET, uuid4())
            await until(lambda: peer.open == 0)
            await asyncio.sleep(0)
            assert (await wire.get(TARGET, uuid4())).status == 200
            assert (peer.accepted, len(peer.heads)) == (2, 2)

    asyncio.run(run())


def test_a_redirect_is_handed_back_and_not_followed() -> None:
    reply = exchange(b"HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    assert (reply.status, reply.headers["Location"]) == (307, "/elsewhere")


def test_f28_no_repr_tells_a_credential_a_path_or_a_body() -> None:
    reply = exchange(
        b"HTTP/1.1 200 OK\r\nX-A: hidden-head\r\nContent-Length: 11\r\n\r\nsecret-body"
    )
    assert repr(reply) == "Reply(status=200, 11 bytes)"
    assert repr(client(f"https://user:{SECRET}@example.test/path")) == "Transport(example.test)"


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX-Evil: 1", "/a\n"])
def test_a_target_that_could_write_headers_is_never_sent(target: str) -> None:
    async def run() -> None:
        async with served(answer_always) as peer, client(peer.url) as wire:
            with pytest.raises(ValueError, match="percent-encoded"):
                await wire.get(target, uuid4())
            assert peer.accepted == 0

    asyncio.run(run())


@pytest.mark.parametrize("url", ["", "ftp://example.test", "example.test", "https://"])
def test_an_address_that_is_not_http_is_refused_before_anything_is_opened(url: str) -> None:
    with pytest.raises(ConfigError, match="base URL"):
        client(url)
