"""Google Address Validation: the contract of all clients, and both sides against Google's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from uuid import uuid4

import httpx
import pytest
from jsonschema import ValidationError

from bulk_lookup_dagster.engine.provider import Question
from bulk_lookup_dagster.sandbox.places import address_for
from resources.google_address_client import GoogleAddressClient
from resources.google_address_records import request_of
from resources.http import Timeouts
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

ADDRESS = "100 fern st|4|phoenix|az|85034|us"
PATH = "/v1:validateAddress"
_GOOD = {
    "result": {
        "verdict": {"validationGranularity": "SUB_PREMISE", "hasUnconfirmedComponents": False},
        "metadata": {"residential": True, "business": False, "poBox": False},
        "uspsData": {"dpvConfirmation": "Y"},
    }
}


class TestValidateAddress(ClientContract):
    good = json.dumps(_GOOD).encode()
    told = ("fern st", "validateAddress")

    def client(self, url: str, timeouts: Timeouts) -> GoogleAddressClient:
        return GoogleAddressClient(url, self.secret, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("validate_address", ADDRESS)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def test_the_request_is_one_the_contract_allows() -> None:
    async def run() -> None:
        async with recording(response(200, json.dumps(_GOOD).encode())) as vendor:
            async with GoogleAddressClient(vendor.url, "fake", timeouts=FAST) as client:
                await client.ask([question("validate_address", ADDRESS)], uuid4())
            (sent,) = vendor.requests
        assert json.loads(sent.body) == {
            "address": {
                "regionCode": "US",
                "addressLines": ["100 fern st unit 4"],
                "locality": "phoenix",
                "administrativeArea": "AZ",
                "postalCode": "85034",
            },
            "enableUspsCass": True,
        }
        contract("google_addressvalidation_v1").check_request(
            sent.method, sent.target, sent.headers, sent.body
        )

    asyncio.run(run())


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor, url = contract("google_addressvalidation_v1"), f"{sandbox.url}/google_address{PATH}"
    headers = {"X-Goog-Api-Key": "fake"}
    made = [address_for(str(number)) for number in range(60)]
    subjects = [f"{one.street}|{one.unit}|{one.city}|{one.state}|{one.postal_code}|us" for one in
                made]  # fmt: skip
    verdicts = set()
    for subject in [*subjects, "po box 1||reno|nv|89501|us", "fern st||phoenix|az|85001|us"]:
        answer = httpx.post(url, json=request_of(subject), headers=headers)
        assert answer.status_code == 200
        vendor.check_answer("POST", PATH, 200, answer.json())
        verdicts.add(answer.json()["result"]["uspsData"]["dpvConfirmation"])
    assert verdicts == {"Y", "N", "D"}


@pytest.mark.parametrize("key,status", [("", 403), ("wrong", 400)])
def test_refusals_of_the_sandbox_are_ones_the_contract_allows(
    sandbox: SandboxProcess, key: str, status: int
) -> None:
    url = f"{sandbox.url}/google_address{PATH}"
    answer = httpx.post(url, json=request_of(ADDRESS), headers={"X-Goog-Api-Key": key})
    assert answer.status_code == status
    contract("google_addressvalidation_v1").check_answer("POST", PATH, status, answer.json())


def test_a_wrong_answer_would_be_noticed() -> None:
    with pytest.raises(ValidationError):
        contract("google_addressvalidation_v1").check_answer("POST", PATH, 200, {"result": 1})
