"""The Twilio Lookup client over a real socket: answers, every fault as its typed error, pairs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.errors import (
    BadResponse,
    ConfigError,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    TransientFailure,
    UnknownOutcome,
)
from bulk_lookup_dagster.core.vendor_settings import TwilioLookupSettings
from bulk_lookup_dagster.engine.provider import Disabled, Exchange, Question
from resources.http import Timeouts
from resources.twilio_lookup_client import VENDOR, TwilioLookupClient
from tests.fakes.sandbox import SandboxProcess, running_sandbox

T = TypeVar("T")
NUMBER = "+14155552671"
SETTINGS = TwilioLookupSettings()
FAULTS: dict[str, type[ProviderError]] = {
    "rate_limited": RateLimited,
    "rate_limited_bare": RateLimited,
    "server_error": UnknownOutcome,
    "drop_before": UnknownOutcome,
    "drop_after": UnknownOutcome,
    "truncated": BadResponse,
    "html": BadResponse,
    "empty": BadResponse,
    "huge": BadResponse,
    "drip": UnknownOutcome,
    "hang": UnknownOutcome,
}


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    with running_sandbox() as started:
        yield started


@pytest.fixture
def sandbox(process: SandboxProcess) -> Iterator[SandboxProcess]:
    yield process
    process.control("PUT", "faults", {})
    process.control("PUT", "batch", {"offered": True})


def question(operation: str, subject: str = NUMBER, number: int = 1) -> Question:
    return Question(number, number, subject, operation, {}, 10_000)


def with_client(
    sandbox: SandboxProcess, use: Callable[[TwilioLookupClient], Awaitable[T]], **options: Any
) -> T:
    async def run() -> T:
        timeouts = Timeouts(connect=2, read=0.5, total=1)
        async with TwilioLookupClient(
            sandbox.url, ("AC1", "fake"), timeouts=timeouts, **options
        ) as client:
            return await use(client)

    return asyncio.run(run())


def ask(sandbox: SandboxProcess, *questions: Question, **options: Any) -> Exchange:
    return with_client(sandbox, lambda client: client.ask(questions, uuid4()), **options)


def test_several_packages_are_one_request_and_each_has_its_answer(sandbox: SandboxProcess) -> None:
    before = sandbox.control("GET", "summary")["requests"]
    exchange = ask(sandbox, question("line_type_intelligence"), question("caller_name", number=2))
    assert sandbox.control("GET", "summary")["requests"] == before + 1
    assert [answer.claim_id for answer in exchange.answers] == [1, 2]
    assert all(answer.outcome == "data" for answer in exchange.answers)
    assert exchange.status == 200


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_f26_every_fault_is_a_typed_error_without_the_number(
    sandbox: SandboxProcess, kind: str
) -> None:
    sandbox.control("PUT", "faults", {"rates": {kind: 1.0}, "clean_after": 1000})
    with pytest.raises(FAULTS[kind]) as failed:
        ask(sandbox, question("caller_name"))
    assert NUMBER not in str(failed.value)
    assert "4155552671" not in repr(failed.value)


def test_f26_a_part_of_the_wrong_type_is_found_when_it_is_read(sandbox: SandboxProcess) -> None:
    sandbox.control("PUT", "faults", {"rates": {"wrong_type": 1.0}, "clean_after": 1000})

    async def use(client: TwilioLookupClient) -> None:
        (answer,) = (await client.ask([question("caller_name")], uuid4())).answers
        client.parse("caller_name", answer.body)

    with pytest.raises(BadResponse):
        with_client(sandbox, use)


def test_f25_retry_after_is_read(sandbox: SandboxProcess) -> None:
    plan = {"rates": {"rate_limited": 1.0}, "clean_after": 1000, "retry_after_s": 7}
    sandbox.control("PUT", "faults", plan)
    with pytest.raises(RateLimited) as failed:
        ask(sandbox, question("caller_name"))
    assert failed.value.retry_after is not None
    assert failed.value.retry_after.total_seconds() == 7


def test_nothing_was_sent_where_nobody_listens() -> None:
    async def run() -> None:
        async with TwilioLookupClient("http://127.0.0.1:9", ("AC1", "fake")) as client:
            await client.ask([question("caller_name")], uuid4())

    with pytest.raises(TransientFailure) as failed:
        asyncio.run(run())
    assert failed.value.unbilled


def test_a_batch_is_matched_by_its_correlation_ids(sandbox: SandboxProcess) -> None:
    questions = [question("caller_name", f"+1415555267{n}", n) for n in range(1, 6)]
    exchange = ask(sandbox, *questions, batch_size=10)
    assert {answer.claim_id for answer in exchange.answers} == {1, 2, 3, 4, 5}
    for asked, answer in zip(questions, exchange.answers, strict=True):
        (single,) = ask(sandbox, asked).answers
        assert (single.outcome, single.body) == (answer.outcome, answer.body)


def test_an_account_without_the_batch_endpoint_falls_back_to_single_requests(
    sandbox: SandboxProcess,
) -> None:
    sandbox.control("PUT", "batch", {"offered": False})
    questions = [question("caller_name", f"+1415555267{n}", n) for n in (1, 2)]

    async def use(client: TwilioLookupClient) -> int:
        with pytest.raises(ProviderUnavailable):
            await client.ask(questions, uuid4())
        return client.subjects_per_request

    assert with_client(sandbox, use, batch_size=10) == 1


def test_limits_and_credentials_are_read_without_spending(sandbox: SandboxProcess) -> None:
    before = sandbox.control("GET", "summary")["cost_micros"]

    async def use(client: TwilioLookupClient) -> int:
        await client.check()
        return len(await client.rate_limits())

    assert with_client(sandbox, use) > 0
    assert sandbox.control("GET", "summary")["cost_micros"] == before


@pytest.mark.parametrize("half", ["api_key", "api_secret", "account_sid", "auth_token"])
def test_f28_half_a_pair_is_refused(half: str) -> None:
    with pytest.raises(ConfigError, match="Only one of"):
        VENDOR.make({half: "fake"}, "", SETTINGS)


def test_f28_a_client_is_whole_or_says_why_there_is_none() -> None:
    pair = {"account_sid": "AC1", "auth_token": "fake"}
    assert isinstance(VENDOR.make({}, "", SETTINGS), Disabled)
    assert isinstance(VENDOR.make(pair, "", SETTINGS), TwilioLookupClient)
    assert isinstance(VENDOR.make(pair, "", SETTINGS, simulated=True), Disabled)
    with pytest.raises(ConfigError, match="sandbox"):
        VENDOR.make(pair, "https://lookups.twilio.com", SETTINGS, simulated=True)
