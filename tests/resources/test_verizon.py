"""Verizon ThingSpace: two tokens refreshed once for everybody (F08), and its call-backs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.errors import AuthFailed, BadResponse, TransientFailure
from bulk_lookup_dagster.services.instance import Platform
from resources.verizon_client import VerizonClient
from resources.verizon_records import parse_fwa_qualification
from tests.contracts.client_contract import FAST, question
from tests.contracts.test_verizon import ADDRESS, CREDENTIALS, Given
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import ROOT, SandboxProcess, running_sandbox

QUESTION = question("fwa_qualification", ADDRESS)
CALLBACK: dict[str, Any] = {
    "username": "u",
    "password": "fake",
    "requestId": "r-1",
    "locations": {
        "addressList": [
            {
                "addressLine1": "100 fern st",
                "networkTypesList": [
                    {"networkType": "LTE", "qualified": "Y"},
                    {"networkType": "C-BAND", "qualified": "N"},
                ],
            }
        ]
    },
}
_WORKER = """
import asyncio, json, sys
from uuid import uuid4
from bulk_lookup_dagster.services.oauth_tokens import PostgresTokens
from bulk_lookup_dagster.core.errors import TransientFailure
from resources.verizon_client import VerizonClient
from tests.contracts.client_contract import question
from tests.contracts.test_verizon import ADDRESS, CREDENTIALS

dsn, url = sys.argv[1:]

async def ask(client):
    while True:
        try:
            return await client.ask([question("fwa_qualification", ADDRESS)], uuid4())
        except TransientFailure as error:
            assert error.unbilled

async def main():
    async with VerizonClient(url, CREDENTIALS) as client:
        client.use_tokens(PostgresTokens(dsn, bytes(32)))
        print("ready", flush=True)
        for _ in sys.stdin:
            answers = await asyncio.gather(*(ask(client) for _ in range(5)))
            print(len(answers), flush=True)

asyncio.run(main())
"""


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def tokens_given(sandbox: SandboxProcess) -> Counter[str]:
    entries = sandbox.control("GET", "log?vendor=verizon")["entries"]
    return Counter(one["packages"][0] for one in entries if one["status"] == 200)


def test_f08_four_processes_refresh_both_tokens_once(
    platform: Platform, sandbox: SandboxProcess
) -> None:
    url = f"{sandbox.url}/verizon"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, platform.dsn, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(4)
    ]
    try:
        assert {one.stdout.readline() for one in workers if one.stdout} == {"ready\n"}
        for round_number in (1, 2):
            for one in workers:
                assert one.stdin is not None
                one.stdin.write("go\n")
                one.stdin.flush()
            assert {one.stdout.readline() for one in workers if one.stdout} == {"5\n"}
            given = tokens_given(sandbox)
            assert (given["oauth"], given["session"]) == (round_number, round_number)
            assert given["fwa_qualification"] == 20 * round_number
            sandbox.control("PUT", "expire_tokens?vendor=verizon", {})
    finally:
        for one in workers:
            one.communicate(timeout=30)


def test_fresh_tokens_that_are_refused_too_stop_the_provider() -> None:
    class Fresh(Given):
        count = 0

        async def token(self, key: str, fetch: Any, *, stale: str | None = None) -> Any:
            self.count += 1
            return await super().token(f"x:{self.count}", fetch)

    async def run() -> None:
        async with recording(response(401)) as vendor:
            client = VerizonClient(vendor.url, CREDENTIALS, timeouts=FAST)
            client.use_tokens(Fresh())
            async with client:
                with pytest.raises(TransientFailure):
                    await client.ask([QUESTION], uuid4())
                await client.ask([QUESTION], uuid4())

    with pytest.raises(AuthFailed):
        asyncio.run(run())


def client() -> VerizonClient:
    return VerizonClient("http://127.0.0.1:9", CREDENTIALS)


def test_f41_a_callback_is_taken_from_who_knows_the_password_alone() -> None:
    told = client().read_callback({}, json.dumps(CALLBACK).encode(), "")
    assert (told.external_id, told.event) == ("r-1", "result")
    for password in ("wrong", "", None, 7):
        body = json.dumps({**CALLBACK, "password": password}).encode()
        with pytest.raises(AuthFailed):
            client().read_callback({}, body, "")
    for body in (b"", b"[]", json.dumps({"password": "fake"}).encode()):
        with pytest.raises(BadResponse):
            client().read_callback({}, body, "")


def test_a_callbacks_verdicts_are_kept_without_address_and_password() -> None:
    answer = client().callback_answer(QUESTION, "result", json.dumps(CALLBACK).encode())
    assert answer is not None
    assert (answer.outcome, answer.cost_micros) == ("data", 10_000)
    assert b"fern" not in answer.body
    assert b"fake" not in answer.body
    columns = parse_fwa_qualification(json.loads(answer.body))
    assert columns == {"lte_home": True, "five_g_home": False, "basis": "qualified_at_address"}


@pytest.mark.parametrize(
    "networks,five_g",
    [
        ([], None),
        ([("MMWAVE", True)], True),
        ([("C-BAND", False), ("MMWAVE", True)], True),
        ([("C-BAND", None)], None),
        ([("LTE", True)], None),
    ],
)
def test_f37_a_network_not_told_of_is_not_known(
    networks: list[tuple[str, bool | None]], five_g: bool | None
) -> None:
    told = {"networks": [{"type": name, "qualified": verdict} for name, verdict in networks]}
    assert parse_fwa_qualification(told)["five_g_home"] is five_g


def test_a_callback_without_an_address_is_a_bad_response() -> None:
    with pytest.raises(BadResponse):
        client().callback_answer(QUESTION, "result", b'{"locations": {}}')
