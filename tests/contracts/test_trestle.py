"""Trestle: the contract of all clients, and both sides against Trestle's published contract."""

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
from resources.trestle_client import TrestleClient
from resources.trestle_records import OPERATIONS
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_REVERSE = {
    "is_valid": True,
    "line_type": "Mobile",
    "carrier": "Example Telco",
    "is_prepaid": False,
    "is_commercial": True,
    "owners": [
        {
            "name": "Ada Brook",
            "firstname": "Ada",
            "lastname": "Brook",
            "age_range": "25-29",
            "type": "Person",
            "link_to_phone_start_date": "2019-03-23",
            "industry": ["Dentists"],
            "current_addresses": [
                {
                    "street_line_1": "100 Fern St",
                    "street_line_2": "Apt 1",
                    "city": "Phoenix",
                    "postal_code": "85034",
                    "state_code": "AZ",
                    "country_code": "US",
                    "lat_long": {"latitude": 33.4, "longitude": -112, "accuracy": "RoofTop"},
                    "delivery_point": "MultiUnit",
                }
            ],
        }
    ],
    "error": None,
}
_INTEL = {"is_valid": True, "activity_score": 81, "line_type": "Mobile", "error": None}
PATHS = {"reverse_phone": "/3.2/phone", "phone_intel": "/3.0/phone_intel"}


class _Trestle(ClientContract):
    told = ("Ada Brook", "100 Fern St", "/3.2/", "/3.0/")

    def client(self, url: str, timeouts: Timeouts) -> TrestleClient:
        return TrestleClient(url, self.secret, timeouts=timeouts)


class TestReversePhone(_Trestle):
    good = json.dumps(_REVERSE).encode()

    def questions(self) -> Sequence[Question]:
        return [question("reverse_phone")]


class TestPhoneIntel(_Trestle):
    good = json.dumps(_INTEL).encode()

    def questions(self) -> Sequence[Question]:
        return [question("phone_intel")]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_the_request_is_one_the_contract_allows(operation: str) -> None:
    async def run() -> None:
        async with recording(response(200, json.dumps(_REVERSE).encode())) as vendor:
            async with TrestleClient(vendor.url, "fake", timeouts=FAST) as client:
                await client.ask([question(operation)], uuid4())
            (sent,) = vendor.requests
        assert sent.target.startswith(f"{PATHS[operation]}?phone=%2B1415")
        contract("trestle").check_request(sent.method, sent.target, sent.headers, sent.body)

    asyncio.run(run())


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_answers_of_the_sandbox_are_ones_the_contract_allows(
    sandbox: SandboxProcess, operation: str
) -> None:
    vendor, path = contract("trestle"), PATHS[operation]
    headers = {"x-api-key": "fake"}
    with httpx.Client(base_url=f"{sandbox.url}/trestle", headers=headers) as client:
        for number in [f"+1415555{n:04d}" for n in range(120)] + ["+12", "+4915112345678"]:
            answer = client.get(path, params={"phone": number})
            assert answer.status_code == 200
            vendor.check_answer("GET", path, 200, answer.json())


def test_refusals_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor, url = contract("trestle"), f"{sandbox.url}/trestle/3.2/phone"
    for key, params, status in (("wrong", {"phone": "1"}, 403), ("fake", {}, 400)):
        answer = httpx.get(url, params=params, headers={"x-api-key": key})
        assert answer.status_code == status
        vendor.check_answer("GET", "/3.2/phone", status, answer.json())


def test_a_wrong_answer_would_be_noticed() -> None:
    with pytest.raises(ValidationError):
        contract("trestle").check_answer("GET", "/3.2/phone", 200, {"line_type": "Pigeon"})


@pytest.mark.parametrize("target", ["/3.2/phone", "/3.2/phone?phone=1&colour=red"])
def test_a_wrong_request_would_be_noticed(target: str) -> None:
    with pytest.raises(AssertionError, match=r"missing|unknown"):
        contract("trestle").check_request("GET", target, {"x-api-key": "fake"})
