"""ZeroBounce: the contract of all clients, and both sides against the contract derived for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jsonschema import ValidationError

from bulk_lookup_dagster.engine.provider import Question
from resources.http import Timeouts
from resources.vendor import Quota
from resources.zerobounce_client import ZerobounceClient
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_PATH = "/validatebatch"
_EMAILS = ("ada.brook@acorn-dental.example", "ben.castle@mail.example")


def verdict(email: str, status: str = "valid", **others: Any) -> dict[str, Any]:
    return {
        "address": email,
        "status": status,
        "sub_status": "alias_address",
        "free_email": False,
        "did_you_mean": "ada@acorn-dental.example",
        "mx_found": "true",
        "smtp_provider": "example",
        "domain_age_days": "9692",
        **others,
    }


class _Zerobounce(ClientContract):
    told = (_PATH, "acorn-dental")

    def client(self, url: str, timeouts: Timeouts) -> ZerobounceClient:
        return ZerobounceClient(url, self.secret, timeouts=timeouts)


class TestOneAddress(_Zerobounce):
    good = json.dumps({"email_batch": [verdict(_EMAILS[0])], "errors": []}).encode()

    def questions(self) -> Sequence[Question]:
        return [question("validate", _EMAILS[0])]


class TestSeveral(_Zerobounce):
    good = json.dumps({"email_batch": [verdict(one) for one in _EMAILS], "errors": []}).encode()

    def questions(self) -> Sequence[Question]:
        return [question("validate", one, at) for at, one in enumerate(_EMAILS, 1)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def test_the_request_is_one_the_contract_allows() -> None:
    async def run() -> None:
        async with recording(response(200, TestSeveral.good)) as vendor:
            async with ZerobounceClient(vendor.url, "fake", timeouts=FAST) as client:
                await client.ask(TestSeveral().questions(), uuid4())
            (sent,) = vendor.requests
        assert (sent.method, sent.target) == ("POST", _PATH)
        headers = {name.lower(): value for name, value in sent.headers.items()}
        contract("derived_zerobounce").check_request(sent.method, sent.target, headers, sent.body)
        assert json.loads(sent.body)["timeout"] == "120"

    asyncio.run(run())


def test_the_free_call_is_one_the_contract_allows() -> None:
    async def run() -> None:
        async with recording(response(200, b'{"Credits": "12"}')) as vendor:
            async with ZerobounceClient(vendor.url, "fake&key", timeouts=FAST) as client:
                assert (await client.check()).quota == Quota(12)
            (sent,) = vendor.requests
        contract("derived_zerobounce").check_request(sent.method, sent.target, sent.headers)

    asyncio.run(run())


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor, url = contract("derived_zerobounce"), f"{sandbox.url}/zerobounce"
    emails = [f"ada.brook@acorn-{n}.example" for n in range(95)]
    emails += ["info@acorn.example", "x@burner.example", "no-address", "greylisted@example.com"]
    rows = [{"email_address": email} for email in emails]
    body = {"api_key": "fake", "email_batch": rows, "timeout": "30"}
    answer = httpx.post(url + _PATH, json=body)
    vendor.check_answer("POST", _PATH, 200, answer.json())
    assert len({one["status"] for one in answer.json()["email_batch"]}) >= 4
    one = httpx.get(f"{url}/validate", params={"api_key": "fake", "email": emails[0]})
    vendor.check_answer("GET", "/validate", 200, one.json())
    left = httpx.get(f"{url}/getcredits", params={"api_key": "fake"})
    vendor.check_answer("GET", "/getcredits", 200, left.json())


@pytest.mark.parametrize(
    "key,emails,status", [("wrong", 1, 200), ("fake", 0, 400), ("fake", 101, 400)]
)
def test_refusals_of_the_sandbox_are_ones_the_contract_allows(
    sandbox: SandboxProcess, key: str, emails: int, status: int
) -> None:
    rows = [{"email_address": f"a.b{n}@acorn.example"} for n in range(emails)]
    body = {"api_key": key, "email_batch": rows}
    answer = httpx.post(f"{sandbox.url}/zerobounce{_PATH}", json=body)
    assert answer.status_code == status
    contract("derived_zerobounce").check_answer("POST", _PATH, status, answer.json())


def test_a_wrong_answer_would_be_noticed() -> None:
    wrong = {"email_batch": [verdict("a@b.example", "perhaps")]}
    with pytest.raises(ValidationError):
        contract("derived_zerobounce").check_answer("POST", _PATH, 200, wrong)
