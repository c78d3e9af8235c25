"""Twilio add-ons: the contract of all clients, and both sides against Twilio's published contract.

Twilio's file says nothing about an add-on's own result; those are held in tests/resources.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest

from bulk_lookup_dagster.engine.provider import Question
from resources.http import Timeouts
from resources.twilio_addons_client import TwilioAddonsClient
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

NAMES = {"real_phone_validation": "rpv", "icehook_scout": "scout"}
RPV = {"status": "connected", "iscell": "Y"}
SCOUT = {
    "ported": "true",
    "location_routing_number": "4155550000",
    "operating_company_name": "EXAMPLE TELCO",
    "operating_company_type": "WIRELESS",
}


def answered(**results: Any) -> dict[str, Any]:
    shared = {"status": "successful", "code": None, "message": None}
    wrapped = {name: {**shared, "result": result} for name, result in results.items()}
    return {"phone_number": "+1", "add_ons": {"status": "successful", "results": wrapped}}


class TestBothAddOns(ClientContract):
    good = json.dumps(answered(rpv=RPV, scout=SCOUT)).encode()
    told = ("EXAMPLE TELCO", "/v1/", "AddOns")

    def client(self, url: str, timeouts: Timeouts) -> TwilioAddonsClient:
        return TwilioAddonsClient(url, ("SKfake", self.secret), NAMES, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("real_phone_validation"), question("icehook_scout", number=2)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def test_the_request_is_one_the_contract_allows() -> None:
    async def run() -> None:
        async with recording(response(200, json.dumps(answered(rpv=RPV)).encode())) as vendor:
            client = TwilioAddonsClient(vendor.url, ("SKfake", "fake"), NAMES, timeouts=FAST)
            async with client:
                await client.ask([question("real_phone_validation")], uuid4())
            (sent,) = vendor.requests
        assert sent.target == "/v1/PhoneNumbers/%2B14155552671?AddOns=rpv"
        contract("twilio_lookups_v1").check_request(
            sent.method, sent.target, sent.headers, sent.body
        )

    asyncio.run(run())


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor = contract("twilio_lookups_v1")
    names = ["realphonevalidation_rpvturbo", "icehook_scout"]
    with httpx.Client(base_url=f"{sandbox.url}/twilio_addons", auth=("ACfake", "fake")) as client:
        for number in [f"+1415555{n:04d}" for n in range(60)]:
            path = f"/v1/PhoneNumbers/{number}"
            answer = client.get(path, params={"AddOns": names})
            if answer.status_code != 404:
                assert answer.json()["add_ons"]["results"].keys() == set(names)
                vendor.check_answer("GET", path, 200, answer.json())
