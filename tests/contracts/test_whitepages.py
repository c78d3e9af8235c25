"""Whitepages: the contract of all clients, and both sides against the contract derived for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jsonschema import ValidationError

from bulk_lookup_dagster.core.errors import ProviderError, QuotaExceeded, RateLimited
from bulk_lookup_dagster.engine.provider import Exchange, Question
from resources.http import Timeouts
from resources.whitepages_client import WhitepagesClient
from resources.whitepages_records import parse_person, split_address
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_PERSON = {
    "name": "Ada Brook",
    "current_addresses": [{"address": "100 Fern St Apt 4, Phoenix, AZ 85034"}],
    "relatives": [{"id": "P1", "name": "hidden"}],
}


def asked(status: int, document: Any) -> Exchange:
    async def run() -> Exchange:
        async with (
            recording(response(status, json.dumps(document).encode())) as vendor,
            WhitepagesClient(vendor.url, "fake", timeouts=FAST) as client,
        ):
            return await client.ask([question("person")], uuid4())

    return asyncio.run(run())


class TestPerson(ClientContract):
    good = json.dumps([_PERSON]).encode()
    told = ("Ada Brook", "Fern", "/v1/")

    def client(self, url: str, timeouts: Timeouts) -> WhitepagesClient:
        return WhitepagesClient(url, self.secret, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("person")]

    @pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"{}", b'"text"', b"[", b"[1]"])
    def test_f26_a_200_that_is_no_answer_is_a_typed_error(self, body: bytes) -> None:
        """An empty list is an answer of this vendor, an object is none."""
        assert self._refused(body) == 1


@pytest.mark.parametrize(
    "message,kind", [("Too Many Requests", RateLimited), ("Limit Exceeded", QuotaExceeded)]
)
def test_f26_its_two_meanings_of_429(message: str, kind: type[ProviderError]) -> None:
    with pytest.raises(kind) as refused:
        asked(429, {"message": message})
    assert refused.value.unbilled


def test_an_empty_list_is_no_data_and_paid() -> None:
    (answer,) = asked(200, []).answers
    assert (answer.outcome, answer.cost_micros) == ("no_data", 10_000)


def test_only_name_and_addresses_are_kept() -> None:
    (answer,) = asked(200, [_PERSON]).answers
    assert b"hidden" not in answer.body
    columns = parse_person(json.loads(answer.body))
    place = ("100 Fern St Apt 4", "Phoenix", "AZ", "85034", "US")
    names = ("street", "city", "state_region", "postal_code", "country")
    assert (columns["owner_name"], columns["owner_type"]) == ("Ada Brook", "person")
    assert tuple(columns[name] for name in names) == place


@pytest.mark.parametrize("line", ["", "Phoenix, AZ 85034", "1 Rue Foch, Paris, 75001 France"])
def test_f37_an_address_that_is_not_recognised_is_not_guessed(line: str) -> None:
    assert set(split_address(line).values()) == {None}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def test_the_request_is_one_the_contract_allows() -> None:
    async def run() -> None:
        async with recording(response(200, b"[]")) as vendor:
            async with WhitepagesClient(vendor.url, "fake", timeouts=FAST) as client:
                await client.ask([question("person")], uuid4())
            (sent,) = vendor.requests
        contract("derived_whitepages").check_request(
            sent.method, sent.target, sent.headers, sent.body
        )

    asyncio.run(run())


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor, url = contract("derived_whitepages"), f"{sandbox.url}/whitepages/v1/person"
    found = 0
    for number in range(60):
        params = {"phone": f"+1415555{number:04d}"}
        answer = httpx.get(url, params=params, headers={"X-Api-Key": "fake"})
        assert answer.status_code == 200
        vendor.check_answer("GET", "/v1/person", 200, answer.json())
        found += bool(answer.json())
    assert 10 < found < 50
    wrong = httpx.get(url, params={"phone": "+1"}, headers={"X-Api-Key": "wrong"})
    assert wrong.status_code == 403
    vendor.check_answer("GET", "/v1/person", 403, wrong.json())


def test_a_wrong_answer_would_be_noticed() -> None:
    with pytest.raises(ValidationError):
        contract("derived_whitepages").check_answer("GET", "/v1/person", 200, {"name": "x"})
