"""Clearbit's legacy API: the contract of all clients. There is no file to hold it against."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.vendor_settings import ClearbitSettings
from bulk_lookup_dagster.engine.provider import Question
from resources.clearbit_client import COMPANY_BASE_URL, DEFAULT_BASE_URL, VENDOR, ClearbitClient
from resources.http import Timeouts
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.fakes.recorder import recording, response

_PERSON = {
    "name": {"givenName": "Ada", "familyName": "Brook"},
    "employment": {"title": "Owner", "domain": "acorn-dental.example", "name": "Acorn Dental"},
    "linkedin": {"handle": "in/ada-brook"},
}
_COMPANY = {
    "name": "Acorn Dental",
    "domain": "acorn-dental.example",
    "category": {"sector": "Health Care"},
    "metrics": {"employees": 42, "annualRevenue": None},
    "tech": ["example_crm"],
}


class _Clearbit(ClientContract):
    told = ("Ada", "Acorn", "acorn-dental", "@", "/find")

    def client(self, url: str, timeouts: Timeouts) -> ClearbitClient:
        return ClearbitClient(url, self.secret, timeouts=timeouts)


class TestCompany(_Clearbit):
    good = json.dumps(_COMPANY).encode()

    def questions(self) -> Sequence[Question]:
        return [question("company", "acorn-dental.example")]


class TestPerson(_Clearbit):
    good = json.dumps(_PERSON).encode()

    def questions(self) -> Sequence[Question]:
        return [question("person", "ada|brook|acorn.example|", email="ada@acorn-dental.example")]


class TestCombined(_Clearbit):
    good = json.dumps({"person": _PERSON, "company": _COMPANY}).encode()

    def questions(self) -> Sequence[Question]:
        return [question("combined", "||||ada@acorn-dental.example")]


@pytest.mark.parametrize(
    "asks,target",
    [
        (question("company", "acorn.example"), "/companies/find?domain=acorn.example"),
        (
            question("person", "ada|brook|acorn.example|", email="a+b@acorn.example"),
            "/people/find?email=a%2Bb%40acorn.example",
        ),
        (question("combined", "||||ada@acorn.example"), "/combined/find?email=ada%40acorn.example"),
    ],
)
def test_the_key_is_in_a_header_and_nothing_else_is_asked(asks: Question, target: str) -> None:
    async def run() -> None:
        body = json.dumps({**_COMPANY, "person": None, "company": _COMPANY}).encode()
        async with recording(response(200, body)) as vendor:
            async with ClearbitClient(vendor.url, "fake", timeouts=FAST) as client:
                await client.ask([asks], uuid4())
            (sent,) = vendor.requests
        assert (sent.method, sent.target) == ("GET", target)
        assert sent.headers["Authorization"] == "Bearer fake"

    asyncio.run(run())


def test_companies_are_asked_at_a_host_of_their_own_unless_another_address_is_set() -> None:
    block = VENDOR.build({"api_key": "fake"}, "", ClearbitSettings())
    assert isinstance(block, ClearbitClient)
    hosts = (block._transport.host, block._companies.host)
    assert hosts == ("person.clearbit.com", "company.clearbit.com")
    assert all(url.endswith("/v2") for url in (DEFAULT_BASE_URL, COMPANY_BASE_URL))
    other = VENDOR.build({"api_key": "fake"}, "http://127.0.0.1:9/clearbit", ClearbitSettings())
    assert isinstance(other, ClearbitClient)
    assert other._companies.host == other._transport.host == "127.0.0.1"
