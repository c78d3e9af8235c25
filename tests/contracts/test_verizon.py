"""Verizon ThingSpace: the contract of all clients, and both sides against the derived contract."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest

from bulk_lookup_dagster.core.errors import ProviderError, TransientFailure
from bulk_lookup_dagster.engine.provider import Question
from resources.http import Timeouts
from resources.oauth import Fetch, Token
from resources.verizon_client import VENDOR, VerizonClient
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

ADDRESS = "100 fern st|4|phoenix|az|85034|us"
COVERAGE = "/m2m/v1/intelligence/wireless-coverage"
CREDENTIALS = dict.fromkeys(VENDOR.variables, "fake")


class Given:
    """Tokens that are there already."""

    async def token(self, key: str, fetch: Fetch, *, stale: str | None = None) -> Token:
        return Token(f"token of {key.split(':')[1]}", datetime.now(UTC) + timedelta(hours=1))


class TestQualification(ClientContract):
    good = b'{"requestId": "r-1"}'
    told = ("fern st", "/m2m/", "token of")
    # The first refusal renews the tokens; see tests/resources for the second.
    expected: ClassVar[Mapping[int, type[ProviderError]]] = {401: TransientFailure}

    def client(self, url: str, timeouts: Timeouts) -> VerizonClient:
        credentials = {**CREDENTIALS, "password": self.secret}
        client = VerizonClient(url, credentials, timeouts=timeouts)
        client.use_tokens(Given())
        return client

    def questions(self) -> Sequence[Question]:
        return [question("fwa_qualification", ADDRESS)]

    def test_a_good_answer_is_read_into_columns(self) -> None:
        """It is accepted; the answer itself comes by call-back."""
        (answer,) = self._asked(response(200, self.good)).answers
        assert answer.accepted is not None
        assert (answer.accepted.external_id, answer.outcome, answer.cost_micros) == ("r-1", None, 0)

    def _parsed(self, operation: str, body: bytes) -> Mapping[str, Any]:
        assert body == b"", "nothing is answered yet"
        return {"accepted": True}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def test_requests_are_ones_the_contract_allows() -> None:
    async def run() -> None:
        both = b'{"access_token": "a", "sessionToken": "s", "requestId": "r"}'
        async with recording(response(200, both)) as vendor:
            async with VerizonClient(vendor.url, CREDENTIALS, timeouts=FAST) as client:
                await client.ask([question("fwa_qualification", ADDRESS)], uuid4())
            sent = vendor.requests
        assert [one.target for one in sent] == [
            *("/ts/v1/oauth2/token", "/m2m/v1/session/login", COVERAGE)
        ]
        assert sent[1].headers["Authorization"] == sent[2].headers["Authorization"] == "Bearer a"
        assert sent[2].headers["VZ-M2M-Token"] == "s"
        for one in sent:
            contract("derived_verizon_fwa").check_request(
                one.method, one.target, one.headers, one.body
            )

    asyncio.run(run())


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor = contract("derived_verizon_fwa")
    with httpx.Client(base_url=f"{sandbox.url}/verizon") as client:
        grant = {"grant_type": "client_credentials"}
        oauth = client.post("/ts/v1/oauth2/token", data=grant, auth=("k", "s"))
        vendor.check_answer("POST", "/ts/v1/oauth2/token", 200, oauth.json())
        bearer = {"Authorization": f"Bearer {oauth.json()['access_token']}"}
        login = {"username": "u", "password": "p"}
        session = client.post("/m2m/v1/session/login", json=login, headers=bearer)
        vendor.check_answer("POST", "/m2m/v1/session/login", 200, session.json())
        both = {**bearer, "VZ-M2M-Token": session.json()["sessionToken"]}
        body = {"locations": {"addressList": [{"addressLine1": "1 Elm St", "zip": "85001"}]}}
        answer = client.post(COVERAGE, json=body, headers=both)
        vendor.check_answer("POST", COVERAGE, 200, answer.json())
        for headers in ({}, bearer, {**both, "VZ-M2M-Token": "x"}):
            assert client.post(COVERAGE, content=json.dumps(body), headers=headers).is_error
