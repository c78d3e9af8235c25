"""The FCC's broadband data: the contract of all clients, and both sides against the derived one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import ClassVar
from uuid import UUID

import httpx
import orjson
import pytest

from bulk_lookup_dagster.core.errors import ConfigError, ProviderError, TransientFailure
from bulk_lookup_dagster.engine.provider import Answer, Exchange, Operation, Question
from resources.fcc_client import FccClient
from resources.http import Timeouts
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

MAP = "/api/public/map"
_GOOD = {
    "data": [{"data_type": "availability", "as_of_date": "2025-12-31"}],
    "status": "successful",
    "status_code": 200,
    "message": None,
    "result_count": 1,
}


class Listing(FccClient):
    """Its list of releases, as if it were asked about a subject: the engine never does."""

    operations = {"list": Operation("list", "day", "test", None)}  # noqa: RUF012
    parsers = {"list": dict}  # noqa: RUF012

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        found = [day.isoformat() for day in await self.releases()]
        answers = [
            Answer(one.claim_id, "data", 0, orjson.dumps({"days": found})) for one in questions
        ]
        return Exchange(200, len(json.dumps(_GOOD)), answers)


class TestLists(ClientContract):
    good = json.dumps(_GOOD).encode()
    told = ("/api/", "availability")
    # It is free, so a failure may be asked again.
    expected: ClassVar[Mapping[int, type[ProviderError]]] = {500: TransientFailure}

    def client(self, url: str, timeouts: Timeouts) -> FccClient:
        return Listing(url, "me@example.test", self.secret, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("list", "2026-11-01")]


def test_requests_are_ones_the_contract_allows() -> None:
    async def run() -> None:
        async with recording(response(200, json.dumps(_GOOD).encode())) as vendor:
            async with FccClient(vendor.url, "me", "fake", timeouts=FAST) as client:
                assert await client.releases() == [date(2025, 12, 31)]
                await client.files(date(2025, 12, 31), "04")
                with pytest.raises(ConfigError, match="coverage"):
                    await client.ask([], UUID(int=0))
            for sent in vendor.requests:
                contract("derived_fcc_bdc").check_request(
                    sent.method, sent.target, sent.headers, sent.body
                )

    asyncio.run(run())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor, ours = contract("derived_fcc_bdc"), {"username": "me", "hash_value": "fake"}
    listed = f"{MAP}/downloads/listAvailabilityData/2025-12-31"
    with httpx.Client(base_url=f"{sandbox.url}/fcc", timeout=60) as client:
        for path, params, headers, status in (
            (f"{MAP}/listAsOfDates", {}, ours, 200),
            (listed, {"category": "State"}, ours, 200),
            (listed, {"category": "Summary"}, ours, 422),
            (f"{MAP}/listAsOfDates", {}, {"username": "me", "hash_value": "wrong"}, 401),
        ):
            answer = client.get(path, params=params, headers=headers)
            assert answer.status_code == status
            vendor.check_answer("GET", path, status, answer.json())
        sandbox.control("PUT", "pace?vendor=fcc", {"per_minute": 1})
        codes = {client.get(f"{MAP}/listAsOfDates", headers=ours).status_code for _ in range(3)}
        assert 429 in codes
