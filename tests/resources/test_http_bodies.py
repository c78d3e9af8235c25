"""Forms, other bodies, files and redirects over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.errors import BadResponse, UnknownOutcome
from resources.http import Reply, Timeouts, Transport
from resources.redirects import elsewhere
from tests.fakes.peer import FAST, SECRET, client
from tests.fakes.recorder import Recorder, recording, response


def recorded(
    answer: bytes, use: Callable[[Transport], Awaitable[Reply]], timeouts: Timeouts = FAST
) -> tuple[Reply, Recorder]:
    async def run() -> tuple[Reply, Recorder]:
        async with recording(answer) as vendor, client(vendor.url, timeouts) as wire:
            return await use(wire), vendor

    return asyncio.run(run())


def test_a_form_keeps_repeated_names_and_escapes_every_value() -> None:
    fields = [("Type", "a b&c"), ("ObjectSid", "IT1"), ("ObjectSid", "RD2")]
    _, vendor = recorded(response(), lambda wire: wire.post_form("/x", fields, uuid4()))
    (sent,) = vendor.requests
    assert parse_qsl(sent.body.decode()) == fields
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert sent.headers["Content-Length"] == str(len(sent.body))


def test_a_body_of_any_type_arrives_as_it_is_with_headers_of_the_call() -> None:
    body = bytes(range(256))
    kind = "multipart/form-data; boundary=x"
    _, vendor = recorded(
        response(),
        lambda wire: wire.post("/x", body, uuid4(), kind, {"X-Goog-FieldMask": "places.id"}),
    )
    (sent,) = vendor.requests
    assert (sent.body, sent.headers["Content-Type"]) == (body, kind)
    assert sent.headers["X-Goog-FieldMask"] == "places.id"


def test_a_header_that_could_write_another_is_never_sent() -> None:
    with pytest.raises(ValueError, match="no header may"):
        recorded(response(), lambda wire: wire.get("/x", uuid4(), {"A": "b\r\nEvil: 1"}))


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_a_file_comes_whole(tmp_path: Path, size: int) -> None:
    data, path = bytes(size), tmp_path / "state.zip"
    reply, _ = recorded(
        response(200, data), lambda wire: wire.download("/f", path, uuid4(), max_bytes=300_000)
    )
    assert (reply.status, reply.body, path.read_bytes()) == (200, b"", data)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "answer,kind",
    [
        (response(200, bytes(2_001)), BadResponse),
        (response(200, bytes(500), length=1_000), UnknownOutcome),
    ],
    ids=["too large", "half"],
)
def test_a_file_that_is_too_large_or_only_half_leaves_nothing_behind(
    tmp_path: Path, answer: bytes, kind: type[Exception]
) -> None:
    quick = Timeouts(connect=1, read=0.2, total=5)
    path = tmp_path / "state.zip"
    with pytest.raises(kind):
        recorded(answer, lambda wire: wire.download("/f", path, uuid4(), max_bytes=2_000), quick)
    assert list(tmp_path.iterdir()) == []


def test_another_status_writes_no_file_and_keeps_its_body(tmp_path: Path) -> None:
    reply, _ = recorded(
        response(422, b"no such file"),
        lambda wire: wire.download("/f", tmp_path / "x", uuid4(), max_bytes=9),
    )
    assert (reply.status, reply.body) == (422, b"no such file")
    assert list(tmp_path.iterdir()) == []


def test_f28_a_redirect_is_followed_to_another_host_without_the_credentials(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with recording(response(200, b"+1415\n")) as files:
            moved = response(307, b"", f"Location: {files.url}/d/2026.txt?sig=a%2Fb\r\n")
            async with recording(moved) as vendor, client(vendor.url) as wire:
                reply = await wire.get("/v1/Deactivations?Date=2026-11-01", uuid4())
            base, target = elsewhere(reply, wire.host)
            async with Transport(base, headers={}, timeouts=FAST, limit=1) as bare:
                await bare.download(target, tmp_path / "d.txt", uuid4(), max_bytes=100)
            (sent,) = files.requests
            assert sent.target == "/d/2026.txt?sig=a%2Fb"
            assert "Authorization" not in sent.headers
            assert SECRET not in str(sent)

    asyncio.run(run())
    assert (tmp_path / "d.txt").read_bytes() == b"+1415\n"


@pytest.mark.parametrize(
    "location",
    ["", "/relative", "http://example.test/x", "ftp://h/x", "https://a:b@h/x", "https://"],
)
def test_a_redirect_that_may_not_be_followed_is_a_bad_response(location: str) -> None:
    headers = f"Location: {location}\r\n" if location else ""
    reply, _ = recorded(response(307, b"", headers), lambda wire: wire.get("/x", uuid4()))
    with pytest.raises(BadResponse, match="may be followed"):
        elsewhere(reply, "vendor")
