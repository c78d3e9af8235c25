"""Twilio's deactivations: the contract of all clients, and both sides against Twilio's contract."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest

from bulk_lookup_dagster.core.errors import BadResponse, ProviderError, TransientFailure
from bulk_lookup_dagster.engine.provider import Exchange, Question
from resources.http import Timeouts
from resources.twilio_deactivations_client import TwilioDeactivationsClient
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import Recorder, recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

DAY = "2026-11-24"
FILE = b"14155550100\n+14155550101\n"


def moved(url: str, body: bytes = b"{}") -> bytes:
    return response(307, body, f"Location: {url}\r\n")


@asynccontextmanager
async def leading_to(answer: bytes) -> AsyncIterator[tuple[Recorder, Recorder]]:
    """The vendor and the storage it redirects to, which gives `answer`."""
    async with (
        recording(answer) as storage,
        recording(moved(f"{storage.url}/f?X-Signature=%2Fa")) as vendor,
    ):
        yield vendor, storage


class TestFile(ClientContract):
    """What the storage answers; the vendor's own answer is always a redirect."""

    good = FILE
    told = ("4155550100", "/v1/", "X-Signature")
    # It is free, so a failure may be asked again.
    expected: ClassVar[Mapping[int, type[ProviderError]]] = {500: TransientFailure}

    def client(self, url: str, timeouts: Timeouts) -> TwilioDeactivationsClient:
        return TwilioDeactivationsClient(url, ("SKfake", self.secret), timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("deactivations", DAY)]

    def _asked(self, answer: bytes) -> Exchange:
        async def run() -> Exchange:
            async with leading_to(answer) as (vendor, storage):
                try:
                    async with self.client(vendor.url, FAST) as client:
                        return await client.ask(self.questions(), uuid4())
                finally:
                    assert (len(vendor.requests), len(storage.requests)) == (1, 1)

        return asyncio.run(run())

    def test_f27_every_part_may_be_of_the_wrong_type_or_missing(self) -> None:
        """A file has lines and no types."""
        for line in (b"x", b"4155550100", b"+449155550100", b"1415555010", b'{"a": 1}'):
            assert self._refused(FILE + line + b"\n") == 1

    def test_the_client_says_how_long_a_call_may_take(self) -> None:
        client = self.client("http://127.0.0.1:9", FAST)
        assert client.deadline == 2 * timedelta(seconds=FAST.longest), "two exchanges"

    def test_a_redirect_is_not_followed_and_tells_nobody_the_key(self) -> None:
        """It is followed, once, by a transport that knows no credentials."""

        async def run() -> None:
            async with (
                leading_to(response(200, FILE)) as (vendor, storage),
                self.client(vendor.url, FAST) as client,
            ):
                await client.ask(self.questions(), uuid4())
            (sent,) = storage.requests
            assert sent.target == "/f?X-Signature=%2Fa", "exactly as it was signed"
            assert "Authorization" not in sent.headers
            assert "Authorization" in vendor.requests[0].headers

        asyncio.run(run())

    @pytest.mark.parametrize("status", [403, 500])
    def test_an_address_that_has_run_out_refuses_nothing_of_ours(self, status: int) -> None:
        with pytest.raises(TransientFailure) as failed:
            self._asked(response(status, b"AccessDenied"))
        assert failed.value.unbilled

    @pytest.mark.parametrize("answer", [response(200, FILE), moved("ftp://x/y"), moved("")])
    def test_an_answer_that_leads_nowhere_is_a_bad_response(self, answer: bytes) -> None:
        self._fails(BadResponse, answer)


def test_the_address_may_stand_in_the_body_alone() -> None:
    async def run() -> None:
        async with recording(response(200, FILE)) as storage:
            body = json.dumps({"redirect_to": f"{storage.url}/f"}).encode()
            async with recording(response(307, body)) as vendor:
                client = TwilioDeactivationsClient(vendor.url, ("SKfake", "fake"), timeouts=FAST)
                async with client:
                    exchange = await client.ask([question("deactivations", DAY)], uuid4())
            assert json.loads(exchange.answers[0].body)["numbers"] == [
                *("+14155550100", "+14155550101")
            ]
            sent = vendor.requests[0]
        contract("twilio_messaging_v1").check_request(
            sent.method, sent.target, sent.headers, sent.body
        )

    asyncio.run(run())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    url = f"{sandbox.url}/twilio_deactivations/v1/Deactivations"
    auth: Any = ("ACfake", "fake")
    answer = httpx.get(url, params={"Date": DAY}, auth=auth)
    assert answer.status_code == 307
    contract("twilio_messaging_v1").check_answer("GET", "/v1/Deactivations", 307, answer.json())
    assert httpx.get(answer.headers["Location"], auth=auth).status_code == 400
    file = httpx.get(answer.headers["Location"])
    assert file.headers["Content-Type"].startswith("text/plain")
    assert len(file.text.split()) > 1_000
    assert httpx.get(url, params={"Date": "2999-01-01"}, auth=auth).status_code == 404
