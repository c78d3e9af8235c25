"""Truecaller: the contract of all clients, and the shape its page promises against the sandbox.

No file describes the adapter: `resources.truecaller_client.SHAPE` does, and its page shows it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    ConfigError,
    PermanentFailure,
    ProviderError,
    QuotaExceeded,
)
from bulk_lookup_dagster.core.vendor_settings import TruecallerSettings
from bulk_lookup_dagster.engine.provider import Disabled, Exchange, Question
from resources.http import Timeouts
from resources.truecaller_client import VENDOR, TruecallerClient
from resources.truecaller_records import parse_owner
from tests.contracts.client_contract import FAST, NUMBER, ClientContract, question
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_OWNER = {"name": "Ada Brook", "type": "person", "is_spam": False}


class TestOwner(ClientContract):
    good = json.dumps({"owner": _OWNER}).encode()
    told: ClassVar[tuple[str, ...]] = ("Ada Brook", "/owner")

    def client(self, url: str, timeouts: Timeouts) -> TruecallerClient:
        return TruecallerClient(url, self.secret, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("owner")]


def asked(status: int, document: Any) -> Exchange:
    async def run() -> Exchange:
        async with (
            recording(response(status, json.dumps(document).encode())) as vendor,
            TruecallerClient(vendor.url, "fake", timeouts=FAST) as client,
        ):
            return await client.ask([question("owner")], uuid4())

    return asyncio.run(run())


@pytest.mark.parametrize("owner", [None, {}, {"name": None}, {"name": "", "is_spam": True}])
def test_nobody_known_is_no_data_and_paid(owner: Any) -> None:
    (answer,) = asked(200, {"owner": owner}).answers
    assert (answer.outcome, answer.cost_micros) == ("no_data", 10_000)
    assert parse_owner(json.loads(answer.body))["owner_name"] is None


@pytest.mark.parametrize("document", [{}, {"data": _OWNER}, {"owner": "Ada"}, {"owner": [_OWNER]}])
def test_f26_an_adapter_that_says_something_else_is_not_taken_for_no_data(document: Any) -> None:
    with pytest.raises(BadResponse):
        asked(200, document)


@pytest.mark.parametrize(
    "status, kind, unbilled",
    [
        (400, PermanentFailure, False),
        (402, QuotaExceeded, True),
        (404, AuthFailed, True),
    ],
)
def test_its_refusals(status: int, kind: type[ProviderError], *, unbilled: bool) -> None:
    with pytest.raises(kind) as refused:
        asked(status, {})
    assert bool(refused.value.unbilled) is unbilled


def test_only_name_type_and_spam_flag_are_kept() -> None:
    (answer,) = asked(200, {"owner": {**_OWNER, "email": "hidden", "score": 0.9}}).answers
    assert b"hidden" not in answer.body
    columns = parse_owner(json.loads(answer.body))
    assert (columns["owner_name"], columns["owner_type"]) == ("Ada Brook", "person")
    assert columns["owners"] == [{**_OWNER, "addresses": []}]


def test_f27_a_type_that_is_none_is_an_error() -> None:
    with pytest.raises(BadResponse, match="person, business"):
        parse_owner({"owner": {"name": "Ada Brook", "type": "robot"}})


def made(address: str) -> object:
    return VENDOR.make({"api_key": "hidden-word"}, address, TruecallerSettings())


@pytest.mark.parametrize(
    "address",
    [
        "https://api4.truecaller.com",
        "https://api4.truecaller.com/v1/search",
        "https://search5.truecaller.com/v2",
        "https://search5-noneu.truecaller.com",
        "https://API4.TrueCaller.COM:443/",
        "https://api4.truecaller.com.",
        "https://adapter.example@api4.truecaller.com/",
        "https://www.truecaller.com/v1/search",
        "https://truecaller.com",
        "https://asia-south1-truecaller-web.cloudfunctions.net/api",
    ],
)
def test_hosts_of_truecallers_own_are_refused_and_it_says_why(address: str) -> None:
    with pytest.raises(ConfigError, match="private") as refused:
        made(address)
    assert "terms" in refused.value.message
    assert "trestle" in (refused.value.fix or "")
    assert "hidden-word" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://adapter.example/truecaller",
        "https://truecaller.adapter.example",
        "https://nottruecaller.com",
        "http://127.0.0.1:9/truecaller",
    ],
)
def test_an_adapter_of_ones_own_is_asked(address: str) -> None:
    assert not isinstance(made(address), Disabled)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox("--faults", "none") as process:
        yield process


def test_the_request_is_the_one_its_page_promises() -> None:
    async def run() -> None:
        async with recording(response(200, b'{"owner": null}')) as vendor:
            async with TruecallerClient(f"{vendor.url}/tc", "fake", timeouts=FAST) as client:
                await client.ask([question("owner")], uuid4())
            (sent,) = vendor.requests
        headers: Mapping[str, str] = {name.lower(): value for name, value in sent.headers.items()}
        assert (sent.method, sent.target) == ("POST", "/tc/owner")
        assert headers["authorization"] == "Bearer fake"
        assert json.loads(sent.body) == {"phone": NUMBER}

    asyncio.run(run())


def test_answers_of_the_sandbox_are_those_its_page_promises(sandbox: SandboxProcess) -> None:
    url, found, kinds = f"{sandbox.url}/truecaller/owner", 0, set()
    headers = {"Authorization": "Bearer fake"}
    for number in range(60):
        body = {"phone": f"+1415555{number:04d}"}
        answer = httpx.post(url, json=body, headers=headers)
        assert answer.status_code == 200
        document = answer.json()
        assert document.keys() == {"owner"}
        if document["owner"] is None:
            continue
        assert document["owner"].keys() == {"name", "type", "is_spam"}
        kinds.add(document["owner"]["type"])
        found += 1
        assert parse_owner(document)["owner_name"] == document["owner"]["name"]
    assert 10 < found < 55
    assert kinds >= {"person", "business"}
    wrong = httpx.post(url, json={"phone": "+1"}, headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401
    elsewhere = f"{sandbox.url}/truecaller/v1/search"
    assert httpx.post(elsewhere, json={}, headers=headers).status_code == 404
