"""Google Places: the contract of all clients, and both sides against Google's own file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest
from jsonschema import ValidationError

from bulk_lookup_dagster.core.errors import PermanentFailure
from bulk_lookup_dagster.engine.provider import Question
from bulk_lookup_dagster.sandbox.google_places import place_id
from resources.google_places_client import GooglePlacesClient
from resources.google_places_records import AREA_MASK, ID_MASK, MASK, request_of
from resources.http import Timeouts
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.asking import answer_to
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

PATH = "/v1/places:searchText"
SUBJECT = "85001|dentist"
PLACE = place_id("hidden")
AREA = "33.378400,-112.144000,33.518400,-112.004000"
PHONE = "+1 602-579-0001"
_PAGE = {
    "places": [
        {
            "id": "ChIJhidden",
            "businessStatus": "OPERATIONAL",
            "internationalPhoneNumber": PHONE,
            "postalAddress": {"postalCode": "85001"},
        }
    ],
    "nextPageToken": "hidden-token",
}
_VIEWPORT = {
    "low": {"latitude": 33.3784, "longitude": -112.144},
    "high": {"latitude": 33.5184, "longitude": -112.004},
}
_AREA = {"places": [{"viewport": _VIEWPORT}]}
PAGES = [
    question("search", SUBJECT),
    question("search", "85001|"),
    question("search_more", SUBJECT, page="2", token="hidden-token"),
    question("search_more", "85001|", page="1", area=AREA),
    question("zipcode_area", SUBJECT),
    question("place_id", PLACE),
]


class TestSearch(ClientContract):
    good = json.dumps(_PAGE).encode()
    told: ClassVar[tuple[str, ...]] = ("searchText", "ChIJhidden", PHONE, "602", "dentist")

    def client(self, url: str, timeouts: Timeouts) -> GooglePlacesClient:
        return GooglePlacesClient(url, self.secret, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("search", SUBJECT)]


class TestPlaceId(TestSearch):
    good = json.dumps({"id": PLACE}).encode()
    told: ClassVar[tuple[str, ...]] = (PLACE,)

    def questions(self) -> Sequence[Question]:
        return [question("place_id", PLACE)]


class TestFurtherPage(TestSearch):
    def questions(self) -> Sequence[Question]:
        return [question("search_more", SUBJECT, page="2", token="hidden-token", area=AREA)]


class TestArea(TestSearch):
    good = json.dumps(_AREA).encode()

    def questions(self) -> Sequence[Question]:
        return [question("zipcode_area", SUBJECT)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def post(sandbox: SandboxProcess, body: Any, mask: str = MASK, key: str = "fake") -> httpx.Response:
    headers = {"X-Goog-Api-Key": key} if key else {}
    masked = {"X-Goog-FieldMask": mask} if mask else {}
    return httpx.post(f"{sandbox.url}/google_places{PATH}", json=body, headers=headers | masked)


@pytest.mark.parametrize("asked", PAGES, ids=lambda one: f"{one.operation} {len(one.params)}")
def test_the_request_is_one_the_contract_allows(asked: Question) -> None:
    async def run() -> None:
        good = {"zipcode_area": _AREA, "place_id": {"id": PLACE}}.get(asked.operation, _PAGE)
        async with recording(response(200, json.dumps(good).encode())) as vendor:
            async with GooglePlacesClient(vendor.url, "fake", timeouts=FAST) as client:
                await client.ask([asked], uuid4())
            (sent,) = vendor.requests
        assert b"maxResultCount" not in sent.body
        assert "*" not in sent.headers["X-Goog-FieldMask"]
        contract("google_places_v1").check_request(
            sent.method, sent.target, sent.headers, sent.body
        )

    asyncio.run(run())


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor = contract("google_places_v1")
    for asked in (PAGES[0], PAGES[1], PAGES[3]):
        body: Mapping[str, Any] = request_of(asked)
        for mask in (MASK, "*"):
            answer = post(sandbox, body, mask)
            assert answer.status_code == 200
            vendor.check_answer("POST", PATH, 200, answer.json())
            assert answer.json()["places"]
    corners = post(sandbox, request_of(PAGES[4]), AREA_MASK)
    vendor.check_answer("POST", PATH, 200, corners.json())
    assert corners.json()["places"][0].keys() == {"viewport"}
    assert post(sandbox, request_of(question("search", "99999|gym"))).json() == {}


def test_the_sandbox_answers_what_the_mask_names_and_nothing_without_one(
    sandbox: SandboxProcess,
) -> None:
    body = request_of(PAGES[1])
    assert post(sandbox, body, "").status_code == 400
    ids = post(sandbox, body, "places.id").json()
    assert set(ids) == {"places"}
    assert {name for place in ids["places"] for name in place} == {"id"}
    every = post(sandbox, {**body, "pageSize": 60}).json()
    assert len(every["places"]) == 20
    assert set().union(*every["places"]) == {
        *("id", "businessStatus", "internationalPhoneNumber", "postalAddress")
    }


def test_a_page_token_wants_everything_else_repeated_and_ends_at_sixty(
    sandbox: SandboxProcess,
) -> None:
    body = request_of(PAGES[1])
    seen: list[str] = []
    pages = 0
    token: str | None = ""
    while token is not None:
        page = post(sandbox, body | ({"pageToken": token} if token else {})).json()
        seen += [place["id"] for place in page["places"]]
        token, pages = page.get("nextPageToken"), pages + 1
        if token:
            other = post(sandbox, {**body, "textQuery": "gyms in 85001", "pageToken": token})
            assert other.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert (pages, len(seen)) == (3, len(set(seen)))
    assert 40 < len(seen) <= 60


def place(
    sandbox: SandboxProcess, name: str = PLACE, mask: str = ID_MASK, key: str = "fake"
) -> httpx.Response:
    headers = {"X-Goog-Api-Key": key, **({"X-Goog-FieldMask": mask} if mask else {})}
    return httpx.get(f"{sandbox.url}/google_places/v1/places/{name}", headers=headers)


def test_an_id_is_the_same_another_or_gone_as_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor, path = contract("google_places_v1"), f"/v1/places/{PLACE}"
    gone, other = place_id("gone"), place_id("other")
    assert place(sandbox).json() == {"id": PLACE}
    sandbox.control("PUT", "places?vendor=google_places", {"moved": {PLACE: other}, "gone": [gone]})
    try:
        answers = [place(sandbox), place(sandbox, gone), place(sandbox, "no.id"),
                   place(sandbox, mask=""), place(sandbox, key="wrong")]  # fmt: skip
    finally:
        sandbox.control("PUT", "places?vendor=google_places", {})
    assert [one.status_code for one in answers] == [200, 404, 404, 400, 400]
    assert answers[0].json() == {"id": other}
    for one in (answers[0], answers[1], answers[3], answers[4]):
        vendor.check_answer("GET", path, one.status_code, one.json())


def test_an_id_google_does_not_know_is_gone_and_somebody_elses_404_is_an_error() -> None:
    def client(url: str) -> GooglePlacesClient:
        return GooglePlacesClient(url, "fake", timeouts=FAST)

    asked = question("place_id", PLACE)
    unknown = {"error": {"code": 404, "status": "NOT_FOUND", "message": "no longer valid"}}
    answer = answer_to(client, asked, 404, unknown)
    assert (answer.outcome, json.loads(answer.body)) == ("no_data", {"id": None})
    for document in ({"error": "Not Found"}, None, {"error": {"status": "UNIMPLEMENTED"}}):
        with pytest.raises(PermanentFailure):
            answer_to(client, asked, 404, document)
    assert answer_to(client, asked, 200, {"id": "ChIJother"}).outcome == "data"


@pytest.mark.parametrize("key,status", [("", 403), ("wrong", 400)])
def test_refusals_of_the_sandbox_are_ones_the_contract_allows(
    sandbox: SandboxProcess, key: str, status: int
) -> None:
    answer = post(sandbox, request_of(PAGES[0]), key=key)
    assert answer.status_code == status
    contract("google_places_v1").check_answer("POST", PATH, status, answer.json())


def test_a_wrong_answer_would_be_noticed() -> None:
    with pytest.raises(ValidationError):
        contract("google_places_v1").check_answer("POST", PATH, 200, {"places": 1})
