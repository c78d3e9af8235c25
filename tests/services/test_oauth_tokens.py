"""F08: one refresh for all processes; rotation, retries, sealing, and a holder that dies."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import AuthFailed, TransientFailure
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.oauth_tokens import PostgresTokens
from resources.oauth import MemoryTokens, Token, token_key
from tests.fakes.sandbox import ROOT

KEY = token_key("vendor", "oauth", "client", "secret")
SECRET_KEY = bytes(32)

_WORKER = """
import asyncio, json, sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from resources.http import Timeouts, Transport
from resources.oauth import Token
from bulk_lookup_dagster.services.oauth_tokens import PostgresTokens

dsn, url, key = sys.argv[1:]

async def fetch(before):
    async with Transport(url, headers={}, timeouts=Timeouts(), limit=1) as wire:
        fields = [("refresh", before.refresh if before else "")]
        reply = await wire.post_form("/token", fields, uuid4())
    given = json.loads(reply.body)
    return Token(given["access"], datetime.now(UTC) + timedelta(hours=1), given["refresh"])

async def main():
    source = PostgresTokens(dsn, bytes(32))
    print("ready", flush=True)
    for stale in sys.stdin:
        tokens = await asyncio.gather(
            *(source.token(key, fetch, stale=stale.strip() or None) for _ in range(5))
        )
        print(json.dumps(sorted({one.access for one in tokens})), flush=True)

asyncio.run(main())
"""


class TokenServer:
    """Gives token-1, token-2, … and wants the refresh token it gave last."""

    def __init__(self) -> None:
        self.given: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.given.append(sent)
                number = len(outer.given)
                body = json.dumps({"access": f"token-{number}", "refresh": f"turn-{number}"})
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[TokenServer]:
    started = TokenServer()
    yield started
    started.stop()


def _workers(dsn: str, url: str, count: int) -> list[subprocess.Popen[str]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, dsn, url, KEY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(count)
    ]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    return started


def _all_ask(workers: list[subprocess.Popen[str]], stale: str) -> set[str]:
    for one in workers:
        assert one.stdin is not None
        one.stdin.write(f"{stale}\n")
        one.stdin.flush()
    found: set[str] = set()
    for one in workers:
        assert one.stdout is not None
        found.update(json.loads(one.stdout.readline()))
    return found


def test_f08_four_processes_refresh_once_and_rotation_is_kept(
    platform: Platform, server: TokenServer
) -> None:
    workers = _workers(platform.dsn, server.url, 4)
    try:
        assert _all_ask(workers, "") == {"token-1"}
        assert _all_ask(workers, "token-1") == {"token-2"}
        assert _all_ask(workers, "token-2") == {"token-3"}
    finally:
        for one in workers:
            one.communicate(timeout=30)
    assert server.given == ["refresh=", "refresh=turn-1", "refresh=turn-2"]


def test_f28_tokens_are_sealed_and_another_key_finds_none(
    platform: Platform, conn: psycopg.Connection[Any]
) -> None:
    async def fetch(before: Token | None) -> Token:
        assert before is None
        return Token("hidden-access", datetime.now(UTC) + timedelta(hours=1), "hidden-refresh")

    async def run(secret_key: bytes) -> Token:
        return await PostgresTokens(platform.dsn, secret_key).token(KEY, fetch)

    token = asyncio.run(run(SECRET_KEY))
    assert "hidden" not in repr(token)
    ((sealed,),) = conn.execute("SELECT sealed FROM ops.oauth_tokens").fetchall()
    assert b"hidden" not in bytes(sealed)
    assert asyncio.run(run(b"another key".ljust(32))).access == "hidden-access"
    ((refreshes,),) = conn.execute("SELECT refreshes FROM ops.oauth_tokens").fetchall()
    assert refreshes == 2  # the other key could not read it and asked anew


@pytest.mark.parametrize("shared", [True, False], ids=["postgres", "memory"])
def test_f08_a_passing_fault_is_tried_again_and_a_refusal_is_not(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    monkeypatch.setattr("resources.oauth._FIRST_PAUSE_S", 0.01)
    source = PostgresTokens(platform.dsn, SECRET_KEY) if shared else MemoryTokens()
    tries: list[str] = []

    async def flaky(_before: Token | None) -> Token:
        tries.append("flaky")
        if len(tries) < 3:
            raise TransientFailure("a passing fault")
        return Token("a", datetime.now(UTC) + timedelta(hours=1))

    async def refused(_before: Token | None) -> Token:
        tries.append("refused")
        raise AuthFailed("no")

    assert asyncio.run(source.token(KEY, flaky)).access == "a"
    with pytest.raises(AuthFailed):
        asyncio.run(source.token("other", refused))
    assert tries == ["flaky"] * 3 + ["refused"]


def test_f08_a_failed_refresh_leaves_the_lock_free_and_the_old_refresh_token(
    platform: Platform,
) -> None:
    hour = timedelta(hours=1)

    async def run() -> None:
        source = PostgresTokens(platform.dsn, SECRET_KEY)

        async def first(_: Token | None) -> Token:
            return Token("a", datetime.now(UTC) + hour, "turn-1")

        async def fails(_: Token | None) -> Token:
            raise AuthFailed("no")

        async def unrotated(before: Token | None) -> Token:
            assert before is not None
            assert before.refresh == "turn-1"
            return Token("b", datetime.now(UTC) + hour)

        await source.token(KEY, first)
        with pytest.raises(AuthFailed):
            await source.token(KEY, fails, stale="a")
        assert (await source.token(KEY, unrotated, stale="a")).refresh == "turn-1"

    asyncio.run(run())


def test_tokens_of_other_credentials_have_other_keys() -> None:
    assert token_key("v", "k", "a", "b") != token_key("v", "k", "ab", "")
    assert "secret" not in KEY
