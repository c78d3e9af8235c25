"""NumVerify: the contract of all clients, and both sides against the contract derived for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from uuid import uuid4

import httpx
import pytest
from jsonschema import ValidationError

from bulk_lookup_dagster.engine.provider import Question
from resources.http import Timeouts
from resources.numverify_client import NumverifyClient
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_GOOD = {
    "valid": True,
    "country_code": "US",
    "location": "Novato",
    "carrier": "Example Telco",
    "line_type": "mobile",
}


class TestApilayer(ClientContract):
    good = json.dumps(_GOOD).encode()
    told = ("Novato", "/validate", "access_key")

    def client(self, url: str, timeouts: Timeouts) -> NumverifyClient:
        return NumverifyClient(url, self.secret, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("validate")]


class TestMarketplace(TestApilayer):
    def client(self, url: str, timeouts: Timeouts) -> NumverifyClient:
        return NumverifyClient(url, self.secret, marketplace=True, timeouts=timeouts)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.mark.parametrize("marketplace", [False, True])
def test_the_request_is_one_the_contract_allows(marketplace: bool) -> None:
    async def run() -> None:
        async with recording(response(200, json.dumps(_GOOD).encode())) as vendor:
            async with NumverifyClient(
                vendor.url, "fake&key", marketplace=marketplace, timeouts=FAST
            ) as client:
                await client.ask([question("validate")], uuid4())
            (sent,) = vendor.requests
        assert "number=14155552671" in sent.target
        assert ("fake" in sent.target) is not marketplace
        assert sent.headers.get("apikey") == ("fake&key" if marketplace else None)
        contract("derived_numverify").check_request(
            sent.method,
            sent.target,
            sent.headers,
            sent.body,
            elsewhere=("access_key",) if marketplace else (),
        )

    asyncio.run(run())


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor, url = contract("derived_numverify"), f"{sandbox.url}/numverify/validate"
    numbers = [f"1415555{n:04d}" for n in range(60)] + ["12", "4915112345678", "x", ""]
    for number in numbers:
        answer = httpx.get(url, params={"access_key": "fake", "number": number})
        assert answer.status_code == 200
        vendor.check_answer("GET", "/validate", 200, answer.json())


def test_a_wrong_key_of_the_sandbox_is_told_as_the_contract_says(sandbox: SandboxProcess) -> None:
    url = f"{sandbox.url}/numverify/validate"
    answer = httpx.get(url, params={"access_key": "wrong", "number": "14155552671"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, 101)
    contract("derived_numverify").check_answer("GET", "/validate", 200, answer.json())


def test_a_wrong_answer_would_be_noticed() -> None:
    with pytest.raises(ValidationError):
        contract("derived_numverify").check_answer("GET", "/validate", 200, {"valid": "perhaps"})
