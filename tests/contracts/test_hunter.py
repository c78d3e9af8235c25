"""Hunter: the contract of all clients, and both sides against the contract derived for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jsonschema import ValidationError

from bulk_lookup_dagster.core.errors import RateLimited
from bulk_lookup_dagster.engine.provider import Question
from resources.http import Timeouts
from resources.hunter_client import HunterClient
from resources.vendor import Quota
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_EMAIL = "ada.brook@acorn-dental.example"
_PERSON = "ada|brook|acorn-dental.example|"
_QUESTIONS: Mapping[str, Question] = {
    "email_finder": question("email_finder", _PERSON),
    "email_verifier": question("email_verifier", _EMAIL),
    "people": question("people", _PERSON, email=_EMAIL),
    "companies": question("companies", "acorn-dental.example"),
}
_PATHS = {
    "email_finder": "/email-finder",
    "email_verifier": "/email-verifier",
    "people": "/people/find",
    "companies": "/companies/find",
}
_GOOD: Mapping[str, Any] = {
    "email_finder": {
        "email": _EMAIL,
        "score": 91,
        "position": "Owner",
        "accept_all": False,
        "linkedin_url": None,
        "sources": [{"domain": "example.test", "uri": "https://example.test"}],
        "verification": {"date": None, "status": "valid"},
    },
    "email_verifier": {
        "status": "webmail",
        "score": 80,
        "webmail": True,
        "disposable": False,
        "mx_records": True,
        "smtp_check": True,
    },
    "people": {
        "name": {"givenName": "Ada", "familyName": "Brook"},
        "employment": {"title": "Owner", "role": "executive", "seniority": "executive"},
        "linkedin": {"handle": "in/ada-brook"},
    },
    "companies": {
        "name": "Acorn Dental",
        "domain": "acorn-dental.example",
        "category": {"sector": "Health Care", "industry": "Dentists"},
        "metrics": {"employees": 42, "annualRevenue": 4_000_000},
        "geo": {"streetNumber": "1", "streetName": "Elm St", "city": "Reno"},
        "tags": ["B2B"],
    },
}


class _Hunter(ClientContract):
    operation: str
    told = ("Ada", "Acorn", "@", "acorn-dental")
    expected = {403: RateLimited}  # noqa: RUF012 - declared a ClassVar by the base

    def client(self, url: str, timeouts: Timeouts) -> HunterClient:
        return HunterClient(url, self.secret, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [_QUESTIONS[self.operation]]


def _body(operation: str) -> bytes:
    return json.dumps({"data": _GOOD[operation]}).encode()


class TestEmailFinder(_Hunter):
    operation = "email_finder"
    good = _body("email_finder")


class TestEmailVerifier(_Hunter):
    operation = "email_verifier"
    good = _body("email_verifier")


class TestPeople(_Hunter):
    operation = "people"
    good = _body("people")


class TestCompanies(_Hunter):
    operation = "companies"
    good = _body("companies")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.mark.parametrize("operation", _QUESTIONS)
def test_the_request_is_one_the_contract_allows(operation: str) -> None:
    async def run() -> None:
        async with recording(response(200, _body(operation))) as vendor:
            async with HunterClient(vendor.url, "fake", timeouts=FAST) as client:
                await client.ask([_QUESTIONS[operation]], uuid4())
            (sent,) = vendor.requests
        assert sent.target.startswith(f"{_PATHS[operation]}?")
        assert "fake" not in sent.target
        contract("derived_hunter").check_request(sent.method, sent.target, sent.headers, sent.body)

    asyncio.run(run())


def test_a_person_without_a_domain_is_searched_at_a_company_of_a_name() -> None:
    async def run() -> str:
        async with recording(response(200, _body("email_finder"))) as vendor:
            async with HunterClient(vendor.url, "fake", timeouts=FAST) as client:
                await client.ask([question("email_finder", "zoë|o'brien||acorn & co")], uuid4())
            return vendor.requests[0].target

    target = asyncio.run(run())
    wanted = "company=acorn%20%26%20co&first_name=zo%C3%AB&last_name=o%27brien&max_duration=20"
    assert target == f"/email-finder?{wanted}"


def test_the_free_call_is_one_the_contract_allows() -> None:
    calls = {"used": 30, "available": 50}
    data = {"data": {"plan_name": "x", "reset_date": "2026-12-01", "calls": calls}}

    async def run() -> None:
        async with recording(response(200, json.dumps(data).encode())) as vendor:
            async with HunterClient(vendor.url, "fake", timeouts=FAST) as client:
                health = await client.check()
            (sent,) = vendor.requests
        contract("derived_hunter").check_request(sent.method, sent.target, sent.headers)
        assert health.quota == Quota(20, 50, datetime(2026, 12, 1, tzinfo=UTC), "calls")

    asyncio.run(run())


def _asked(operation: str, n: int) -> dict[str, str]:
    firm = f"firm-{n}.example"
    match operation:
        case "email_finder":
            return {"domain": firm, "first_name": "ada", "last_name": "brook"}
        case "companies":
            return {"domain": firm}
    return {"email": f"ada.brook@{firm}"}


@pytest.mark.parametrize("operation", _QUESTIONS)
def test_answers_of_the_sandbox_are_ones_the_contract_allows(
    sandbox: SandboxProcess, operation: str
) -> None:
    vendor, path = contract("derived_hunter"), _PATHS[operation]
    headers = {"X-API-KEY": "fake"}
    statuses = set()
    with httpx.Client(base_url=f"{sandbox.url}/hunter", headers=headers) as client:
        for n in range(60):
            answer = client.get(path, params=_asked(operation, n))
            statuses.add(answer.status_code)
            if answer.content:
                vendor.check_answer("GET", path, answer.status_code, answer.json())
        account = client.get("/account")
        vendor.check_answer("GET", "/account", 200, account.json())
    assert statuses <= {200, 202, 404}
    assert 200 in statuses


@pytest.mark.parametrize(
    "key,email,status",
    [
        ("wrong", "x", 401),
        ("fake", "x", 400),
        ("fake", "claimed@acorn.example", 451),
        ("fake", "greylisted@acorn.example", 222),
    ],
)
def test_refusals_of_the_sandbox_are_ones_the_contract_allows(
    sandbox: SandboxProcess, key: str, email: str, status: int
) -> None:
    url = f"{sandbox.url}/hunter/email-verifier"
    answer = httpx.get(url, params={"email": email}, headers={"X-API-KEY": key})
    assert answer.status_code == status
    contract("derived_hunter").check_answer("GET", "/email-verifier", status, answer.json())


_OBJECTED: Mapping[str, Mapping[str, str]] = {
    "email_finder": {"first_name": "claimed", "last_name": "brook", "domain": "acorn.example"},
    "email_verifier": {"email": "claimed.brook@acorn.example"},
    "people": {"email": "claimed.brook@acorn.example"},
    "companies": {"domain": "claimed-acorn.example"},
}


@pytest.mark.parametrize("operation", _QUESTIONS)
def test_an_objection_is_one_the_contract_allows_whatever_is_asked(
    sandbox: SandboxProcess, operation: str
) -> None:
    url = f"{sandbox.url}/hunter{_PATHS[operation]}"
    answer = httpx.get(url, params=dict(_OBJECTED[operation]), headers={"X-API-KEY": "fake"})
    assert answer.status_code == 451
    contract("derived_hunter").check_answer("GET", _PATHS[operation], 451, answer.json())


def test_a_wrong_answer_would_be_noticed() -> None:
    wrong = {"data": {"status": "perhaps"}}
    with pytest.raises(ValidationError):
        contract("derived_hunter").check_answer("GET", "/email-verifier", 200, wrong)
