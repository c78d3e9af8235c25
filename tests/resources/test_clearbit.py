"""Clearbit's own errors, queued searches and call-backs, and its answers read into columns."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    PermanentFailure,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    TransientFailure,
)
from bulk_lookup_dagster.engine.provider import (
    Answer,
    CallbackProvider,
    PollingProvider,
    Question,
)
from resources.clearbit_client import ClearbitClient
from resources.clearbit_records import parse_combined, parse_company
from tests.contracts.client_contract import FAST, question
from tests.fakes.asking import answer_to, asked_to_the_end
from tests.fakes.peer import until
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_COMPANY = question("company", "acorn.example")
_PERSON = question("person", "ada|brook|acorn.example|", email="ada.brook@acorn.example")
_ALONE = question("combined", "||||ada.brook@acorn.example")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def asked(status: int, document: object, asks: Question = _COMPANY) -> Answer:
    return answer_to(lambda url: ClearbitClient(url, "fake", timeouts=FAST), asks, status, document)


def error(kind: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": "hidden"}}


@pytest.mark.parametrize(
    "status,name,kind",
    [
        (401, "auth_invalid", AuthFailed),
        (402, "over_limit", QuotaExceeded),
        (422, "email_invalid", PermanentFailure),
        (429, "rate_limit", RateLimited),
    ],
)
def test_f24_each_refusal_is_what_it_means(
    status: int, name: str, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as refused:
        asked(status, error(name))
    assert (refused.value.vendor_code, refused.value.unbilled) == (name, True)
    assert "hidden" not in str(refused.value)


def test_what_is_not_known_is_no_data_and_free_any_other_404_a_wrong_address() -> None:
    answer = asked(404, error("unknown_record"))
    assert (answer.outcome, answer.cost_micros) == ("no_data", 0)
    with pytest.raises(AuthFailed, match="base URL"):
        asked(404, {"message": "no such page"})


@pytest.mark.parametrize(
    "document,outcome,cost",
    [
        ({"person": None, "company": None}, "no_data", 0),
        ({"person": None, "company": {"name": "Acorn"}}, "data", 10_000),
    ],
)
def test_a_combined_answer_is_a_match_where_either_part_is(
    document: object, outcome: str, cost: int
) -> None:
    answer = asked(200, document, _ALONE)
    assert (answer.outcome, answer.cost_micros) == (outcome, cost)


def test_a_combined_answer_names_the_company_of_a_person_without_one() -> None:
    company = {"name": "Acorn", "domain": "acorn.example"}
    columns = parse_combined({"person": {"name": {"givenName": "Ada"}}, "company": company})
    told = (columns["first_name"], columns["company_name"], columns["company_domain"])
    assert told == ("Ada", "Acorn", "acorn.example")


def test_sizes_come_with_the_version_of_the_bands() -> None:
    metrics = {"employees": 300, "estimatedAnnualRevenue": "$10M-$25M"}
    columns = parse_company({"name": "Acorn", "metrics": metrics})
    assert (columns["employees_band"], columns["revenue_band"]) == ("201-500", "10M-25M")
    assert columns["bands_version"]


@pytest.mark.parametrize("asks", [_COMPANY, _ALONE], ids=["company", "combined"])
def test_a_queued_search_is_accepted_where_its_subject_names_it(asks: Question) -> None:
    answer = asked(202, error("queued"), asks)
    assert answer.accepted is not None
    assert "acorn" not in answer.accepted.external_id


def test_f32_a_queued_search_with_an_address_beside_it_stays_due() -> None:
    answer = asked(202, error("queued"), _PERSON)
    assert answer.accepted is None
    assert isinstance(answer.failure, TransientFailure)
    assert answer.failure.unbilled


def test_f41_a_call_back_is_read_only_with_the_right_signature() -> None:
    client = ClearbitClient("http://127.0.0.1:9", "fake")
    body = json.dumps({"id": "job", "status": 200, "body": {"name": "Acorn"}}).encode()
    signature = "sha1=" + hmac.new(b"fake", body, "sha1").hexdigest()
    told = client.read_callback({"x-request-signature": signature}, body, "")
    assert (told.external_id, told.event) == ("job", "200")
    for wrong in ("", "sha1=", signature[:-1] + "x", "ä"):
        with pytest.raises(AuthFailed):
            client.read_callback({"x-request-signature": wrong}, body, "")
    other = b"[]"
    signature = "sha1=" + hmac.new(b"fake", other, "sha1").hexdigest()
    with pytest.raises(BadResponse):
        client.read_callback({"x-request-signature": signature}, other, "")


@pytest.mark.parametrize(
    "event,document,outcome",
    [("200", {"body": {"name": "Acorn"}}, "data"), ("404", {"body": None}, "no_data")],
)
def test_a_call_back_is_the_answer_of_its_search(
    event: str, document: object, outcome: str
) -> None:
    client = ClearbitClient("http://127.0.0.1:9", "fake")
    assert isinstance(client, CallbackProvider)
    assert isinstance(client, PollingProvider)
    answer = client.callback_answer(_COMPANY, event, json.dumps(document).encode())
    assert answer is not None
    assert answer.outcome == outcome
    assert client.callback_answer(_COMPANY, "500", b"{}") is None


def test_the_sandbox_is_asked_like_the_vendor_and_polled_to_the_end(
    sandbox: SandboxProcess,
) -> None:
    sandbox.control("DELETE", "log")

    async def run() -> tuple[int, list[str | None]]:
        asks = [question("company", f"firm-{n}.example", n) for n in range(150)]
        async with ClearbitClient(f"{sandbox.url}/clearbit", "fake", timeouts=FAST) as client:
            return await asked_to_the_end(client, asks)

    polls, outcomes = asyncio.run(run())
    assert polls > 0
    assert 100 < outcomes.count("data") < 140
    assert sandbox.control("GET", "summary?vendor=clearbit")["requests"] == 150 + polls


def test_the_sandbox_calls_back_as_the_vendor_would(sandbox: SandboxProcess) -> None:
    asks = question("combined", "||||queued.brook@acorn.example")

    async def run() -> Answer | None:
        async with (
            recording(response()) as ours,
            ClearbitClient(
                f"{sandbox.url}/clearbit", "fake", webhook_url=f"{ours.url}/in", timeouts=FAST
            ) as client,
        ):
            (answer,) = (await client.ask([asks], uuid4())).answers
            assert answer.accepted is not None
            await until(lambda: len(ours.requests) == 1)
            (sent,) = ours.requests
            headers = {name.lower(): value for name, value in sent.headers.items()}
            told = client.read_callback(headers, sent.body, sent.target)
            assert told.external_id == answer.accepted.external_id
            return client.callback_answer(asks, told.event, sent.body)

    answer = asyncio.run(run())
    assert answer is not None
    assert answer.outcome in ("data", "no_data")
