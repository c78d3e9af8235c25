"""Google Geocoding: the contract of all clients, and v3 against Google's published contract.

Google publishes no file for v4; its shapes are held in tests/resources.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import ClassVar
from uuid import uuid4

import httpx
import pytest
from jsonschema import ValidationError

from bulk_lookup_dagster.engine.provider import Question
from bulk_lookup_dagster.sandbox.places import address_for
from resources.google_geocoding_client import GoogleGeocodingClient
from resources.http import Timeouts
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

ADDRESS = "100 fern st||phoenix|az|85034|us"
POINT = "33.448400,-112.074000"
PATH = "/maps/api/geocode/json"
_V4 = {
    "results": [
        {
            "placeId": "ChIJx",
            "location": {"latitude": 33.4, "longitude": -112},
            "granularity": "ROOFTOP",
        }
    ]
}
_V3 = {
    "results": [
        {
            "address_components": [],
            "formatted_address": "100 Fern St",
            "geometry": {
                "location": {"lat": 33.4, "lng": -112},
                "location_type": "ROOFTOP",
                "viewport": {},
            },
            "place_id": "ChIJx",
            "types": [],
            "partial_match": True,
        }
    ],
    "status": "OK",
}


class TestV4(ClientContract):
    good = json.dumps(_V4).encode()
    told: ClassVar[tuple[str, ...]] = ("fern st", "/v4/", "ChIJx")

    def client(self, url: str, timeouts: Timeouts) -> GoogleGeocodingClient:
        return GoogleGeocodingClient(url, self.secret, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("geocode", ADDRESS)]


class TestV3(TestV4):
    good = json.dumps(_V3).encode()
    told = ("fern st", "100 Fern St", "/maps/", "key=")

    def client(self, url: str, timeouts: Timeouts) -> GoogleGeocodingClient:
        return GoogleGeocodingClient(url, self.secret, legacy=True, timeouts=timeouts)


class TestReverseV4(TestV4):
    told: ClassVar[tuple[str, ...]] = ("33.448400", "/v4/", "ChIJx")

    def questions(self) -> Sequence[Question]:
        return [question("reverse_geocode", POINT)]


class TestReverseV3(TestV3):
    told = ("33.448400", "100 Fern St", "/maps/", "key=")

    def questions(self) -> Sequence[Question]:
        return [question("reverse_geocode", POINT)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.mark.parametrize(
    "operation,subject,elsewhere",
    [("geocode", ADDRESS, ()), ("reverse_geocode", POINT, ("address",))],
)
def test_the_request_of_v3_is_one_the_contract_allows(
    operation: str, subject: str, elsewhere: tuple[str, ...]
) -> None:
    async def run() -> None:
        async with recording(response(200, json.dumps(_V3).encode())) as vendor:
            client = GoogleGeocodingClient(vendor.url, "fake&key", legacy=True, timeouts=FAST)
            async with client:
                await client.ask([question(operation, subject)], uuid4())
            (sent,) = vendor.requests
        assert "fake%26key" in sent.target
        contract("google_maps").check_request(
            sent.method, sent.target, sent.headers, sent.body, elsewhere=elsewhere
        )

    asyncio.run(run())


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor, url = contract("google_maps"), f"{sandbox.url}/google_geocoding{PATH}"
    lines = [address_for(str(number)).line for number in range(60)]
    seen = set()
    for line in [*lines, "1 Nowhere St, Nowhere, ZZ 00000", "Fern St, Phoenix, AZ", ""]:
        answer = httpx.get(url, params={"address": line, "key": "fake"})
        assert answer.status_code == 200
        vendor.check_answer("GET", PATH, 200, answer.json())
        seen.add(answer.json()["status"])
    denied = httpx.get(url, params={"address": lines[0], "key": "wrong"})
    vendor.check_answer("GET", PATH, 200, denied.json())
    assert seen | {denied.json()["status"]} == {
        *("OK", "ZERO_RESULTS", "INVALID_REQUEST", "REQUEST_DENIED")
    }


def test_reverse_answers_of_the_sandbox_are_ones_the_contract_allows(
    sandbox: SandboxProcess,
) -> None:
    vendor, url = contract("google_maps"), f"{sandbox.url}/google_geocoding{PATH}"
    points = [POINT, "33.5484,-112.074", "51.5,-0.1", "91,0", "somewhere"]
    seen = []
    for point in points:
        answer = httpx.get(url, params={"latlng": point, "key": "fake"})
        assert answer.status_code == 200
        vendor.check_answer("GET", PATH, 200, answer.json())
        seen.append(answer.json()["status"])
    assert seen == ["OK", "OK", "ZERO_RESULTS", "INVALID_REQUEST", "INVALID_REQUEST"]


def test_a_wrong_answer_would_be_noticed() -> None:
    with pytest.raises(ValidationError):
        contract("google_maps").check_answer("GET", PATH, 200, {"status": "PERHAPS"})
