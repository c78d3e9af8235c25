"""Yelp: the contract of all clients, and both sides against the derived contract."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from jsonschema import ValidationError

from bulk_lookup_dagster.engine.provider import Question
from resources.http import Timeouts
from resources.yelp_client import YelpClient
from resources.yelp_records import target_of
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

PATH = "/businesses/search"
SUBJECT = "85001|dentist"
PHONE = "+16025790001"
_PAGE = {
    "businesses": [
        {
            "id": "hidden-id",
            "name": "Hidden Dental",
            "phone": PHONE,
            "is_closed": False,
            "location": {"zip_code": "85001"},
        }
    ],
    "total": 120,
}


class TestSearch(ClientContract):
    good = json.dumps(_PAGE).encode()
    told = ("/businesses", "hidden-id", "Hidden Dental", PHONE, "dentist")

    def client(self, url: str, timeouts: Timeouts) -> YelpClient:
        return YelpClient(url, self.secret, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("search", SUBJECT)]


class TestFurtherPage(TestSearch):
    def questions(self) -> Sequence[Question]:
        return [question("search_more", SUBJECT, page="3")]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def get(
    sandbox: SandboxProcess, asked: Question, key: str = "fake", **query: str
) -> httpx.Response:
    url = httpx.URL(f"{sandbox.url}/yelp{target_of(asked)}").copy_merge_params(query)
    return httpx.get(url, headers={"Authorization": f"Bearer {key}"} if key else {})


@pytest.mark.parametrize("page", [1, 2, 5])
def test_the_request_is_one_the_contract_allows(page: int) -> None:
    further = question("search_more", SUBJECT, page=str(page))
    asked = question("search", SUBJECT) if page == 1 else further

    async def run() -> None:
        async with recording(response(200, json.dumps(_PAGE).encode())) as vendor:
            async with YelpClient(vendor.url, "fake", timeouts=FAST) as client:
                await client.ask([asked], uuid4())
            (sent,) = vendor.requests
        assert sent.headers["Authorization"] == "Bearer fake"
        query = httpx.QueryParams(urlsplit(sent.target).query)
        assert int(query["limit"]) <= 50
        assert int(query["offset"]) + int(query["limit"]) <= 240
        contract("derived_yelp").check_request(sent.method, sent.target, sent.headers, sent.body)

    asyncio.run(run())


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor = contract("derived_yelp")
    for subject in ("85001|", SUBJECT, "94101|gym"):
        answer = get(sandbox, question("search", subject))
        assert answer.status_code == 200
        vendor.check_answer("GET", PATH, 200, answer.json())
        assert "RateLimit-ResetTime" in answer.headers
        assert all(one["url"].startswith("https://yelp.") for one in answer.json()["businesses"])
    assert answer.json()["total"] >= len(answer.json()["businesses"])


def test_refusals_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor = contract("derived_yelp")
    known, elsewhere = question("search", SUBJECT), question("search", "00501|")
    for answer, status, code in (
        (get(sandbox, known, ""), 401, "TOKEN_MISSING"),
        (get(sandbox, known, "wrong"), 401, "TOKEN_INVALID"),
        (get(sandbox, elsewhere), 400, "LOCATION_NOT_FOUND"),
        (get(sandbox, known, limit="51"), 400, "VALIDATION_ERROR"),
        (get(sandbox, known, limit="50", offset="191"), 400, "VALIDATION_ERROR"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        vendor.check_answer("GET", PATH, status, answer.json())


def test_the_days_allowance_ends_until_midnight(sandbox: SandboxProcess) -> None:
    sandbox.control("PUT", "allowance?vendor=yelp", {"calls": 1})
    asked = question("search", SUBJECT)
    assert [get(sandbox, asked).status_code for _ in range(2)] == [200, 429]
    answer = get(sandbox, asked)
    assert answer.json()["error"]["code"] == "ACCESS_LIMIT_REACHED"
    contract("derived_yelp").check_answer("GET", PATH, 429, answer.json())
    sandbox.control("PUT", "allowance?vendor=yelp", {"calls": 5_000})


def test_a_wrong_answer_would_be_noticed() -> None:
    with pytest.raises(ValidationError):
        contract("derived_yelp").check_answer("GET", PATH, 200, {"businesses": []})
