"""ZeroBounce's own errors and quirks, and its answer read into columns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    PermanentFailure,
    ProviderError,
    TransientFailure,
)
from bulk_lookup_dagster.engine.provider import Exchange
from resources.vendor import Quota
from resources.zerobounce_client import ZerobounceClient
from resources.zerobounce_records import parse_validate
from tests.contracts.client_contract import FAST, question
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_BAD_KEY = "Invalid API Key or your account ran out of credits"
_EMAIL = "ada.brook@acorn.example"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def asked(document: object, *emails: str, status: int = 200) -> Exchange:
    async def run() -> Exchange:
        answer = response(status, json.dumps(document).encode())
        questions = [question("validate", one, at) for at, one in enumerate(emails or [_EMAIL], 1)]
        async with (
            recording(answer) as vendor,
            ZerobounceClient(vendor.url, "fake", timeouts=FAST) as client,
        ):
            return await client.ask(questions, uuid4())

    return asyncio.run(run())


@pytest.mark.parametrize(
    "document,kind",
    [
        ({"error": _BAD_KEY}, AuthFailed),
        ({"error": "Invalid api_key"}, AuthFailed),
        (
            {"email_batch": [], "errors": [{"error": _BAD_KEY, "email_address": "all"}]},
            AuthFailed,
        ),
        ({"error": "email_batch is missing"}, PermanentFailure),
    ],
)
def test_f26_a_200_that_carries_an_error_is_that_error(
    document: object, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as refused:
        asked(document)
    assert refused.value.unbilled
    assert refused.value.stops_provider is (kind is AuthFailed)


def test_f33_each_address_of_a_batch_has_its_own_outcome() -> None:
    emails = [f"{name}@acorn.example" for name in ("ok", "later", "silent", "bad", "lost")]
    ok, later, silent, bad, _ = emails
    document = {
        "email_batch": [
            {"address": silent, "status": "unknown", "sub_status": "timeout_exceeded"},
            {"address": ok.upper(), "status": "valid", "sub_status": ""},
            {"address": later, "status": "unknown", "sub_status": "greylisted"},
        ],
        "errors": [{"email_address": bad, "error": f"{bad} is no address"}],
    }
    answers = asked(document, *emails).answers
    assert [one.outcome for one in answers] == ["data", None, "no_data", None, None]
    assert [one.cost_micros for one in answers] == [10_000, 0, 0, 0, 0]
    failures = [one.failure for one in answers if one.failure]
    assert [type(one) for one in failures] == [TransientFailure, PermanentFailure, BadResponse]
    assert failures[0].unbilled
    assert failures[0].retry_after
    assert bad not in str(failures[1])


@pytest.mark.parametrize(
    "status,sub_status,verdict,role,disposable",
    [
        ("valid", "", "valid", None, None),
        ("catch-all", "role_based_catch_all", "accept_all", True, False),
        ("do_not_mail", "disposable", "do_not_mail", False, True),
        ("do_not_mail", "role_based", "do_not_mail", True, False),
        ("spamtrap", None, "spamtrap", None, None),
        ("unknown", "greylisted", "unknown", False, False),
        ("invented", "", "unknown", None, None),
    ],
)
def test_f37_a_status_is_told_in_our_words_and_what_is_unknown_stays_so(
    status: str, sub_status: str | None, verdict: str, role: bool | None, disposable: bool | None
) -> None:
    columns = parse_validate({"status": status, "sub_status": sub_status})
    told = (columns["verdict"], columns["is_role"], columns["is_disposable"])
    assert told == (verdict, role, disposable)


@pytest.mark.parametrize(
    "told,read", [("true", True), ("false", False), (True, True), ("", None), (None, None)]
)
def test_mx_found_is_read_as_text_and_as_a_flag(told: object, read: bool | None) -> None:
    assert parse_validate({"mx_found": told})["mx_found"] is read


@pytest.mark.parametrize("wrong", [{"mx_found": "perhaps"}, {"domain_age_days": "old"}])
def test_f27_a_field_of_the_wrong_type_is_a_bad_response(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadResponse):
        parse_validate({"status": "valid", **wrong})


def test_names_and_places_of_an_answer_are_not_kept() -> None:
    told = {"address": _EMAIL, "status": "valid", "firstname": "Ada", "city": "Reno"}
    (answer,) = asked({"email_batch": [told]}).answers
    assert b"Ada" not in answer.body
    assert b"Reno" not in answer.body
    assert b"@" not in answer.body


@pytest.mark.parametrize(
    "told,kind", [("-1", AuthFailed), ("many", BadResponse)], ids=["bad key", "no number"]
)
def test_the_free_call_tells_a_bad_key_from_an_empty_account(
    told: str, kind: type[ProviderError]
) -> None:
    async def run(left: str) -> Quota | None:
        body = json.dumps({"Credits": left}).encode()
        async with (
            recording(response(200, body)) as vendor,
            ZerobounceClient(vendor.url, "fake", timeouts=FAST) as client,
        ):
            return (await client.check()).quota

    assert asyncio.run(run("0")) == Quota(0)
    with pytest.raises(kind):
        asyncio.run(run(told))


def test_the_sandbox_blocks_who_repeats_a_bad_key(sandbox: SandboxProcess) -> None:
    url = f"{sandbox.url}/zerobounce"
    sandbox.control("PUT", "bad_keys?vendor=zerobounce", {"limit": 3})
    row = {"email_batch": [{"email_address": _EMAIL}]}
    for _ in range(3):
        answer = httpx.post(f"{url}/validatebatch", json={"api_key": "wrong", **row})
        assert answer.json() == {"error": _BAD_KEY}
    with pytest.raises(AuthFailed) as refused:
        asyncio.run(ask_sandbox(sandbox, _EMAIL))
    assert refused.value.status == 403
    sandbox.control("PUT", "unblock?vendor=zerobounce", {})
    assert asyncio.run(ask_sandbox(sandbox, _EMAIL)).answers


def test_a_timeout_that_is_a_number_gets_the_misleading_answer(sandbox: SandboxProcess) -> None:
    body = {"api_key": "fake", "email_batch": [{"email_address": _EMAIL}], "timeout": 30}
    answer = httpx.post(f"{sandbox.url}/zerobounce/validatebatch", json=body).json()
    assert answer["errors"] == [{"error": _BAD_KEY, "email_address": "all"}]


def test_an_account_without_credits_stops_the_provider(sandbox: SandboxProcess) -> None:
    sandbox.control("PUT", "credits?vendor=zerobounce", {"left": 0})
    try:
        with pytest.raises(AuthFailed):
            asyncio.run(ask_sandbox(sandbox, "valid@example.com"))
    finally:
        sandbox.control("PUT", "credits?vendor=zerobounce", {"left": 100_000})


async def ask_sandbox(sandbox: SandboxProcess, *emails: str) -> Exchange:
    questions = [question("validate", one, at) for at, one in enumerate(emails, 1)]
    async with ZerobounceClient(f"{sandbox.url}/zerobounce", "fake", timeouts=FAST) as client:
        return await client.ask(questions, uuid4())


def test_the_sandbox_is_asked_like_the_vendor(sandbox: SandboxProcess) -> None:
    sandbox.control("DELETE", "log")
    emails = [f"ada.brook@firm-{n}.example" for n in range(100)]
    answers = asyncio.run(ask_sandbox(sandbox, *emails)).answers
    outcomes = [one.outcome for one in answers]
    assert 80 < outcomes.count("data") < 100
    summary = sandbox.control("GET", "summary?vendor=zerobounce")
    assert summary["requests"] == 1
    assert summary["cost_micros"] == sum(one.cost_micros for one in answers)
