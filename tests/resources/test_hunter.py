"""Hunter's own errors and quirks, and its answers read into columns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    PermanentFailure,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    TransientFailure,
)
from bulk_lookup_dagster.engine.provider import Answer, PollingProvider, Question
from resources.hunter_client import PATIENCE_WITH_403_S, HunterClient
from resources.hunter_records import (
    parse_companies,
    parse_email_finder,
    parse_email_verifier,
    parse_people,
)
from tests.contracts.client_contract import FAST, question
from tests.fakes.asking import answer_to, asked_to_the_end
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_FINDER = question("email_finder", "ada|brook|acorn.example|")
_VERIFIER = question("email_verifier", "ada.brook@acorn.example")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def asked(status: int, document: object, asks: Question = _FINDER) -> Answer:
    return answer_to(lambda url: HunterClient(url, "fake", timeouts=FAST), asks, status, document)


def errors(name: str) -> dict[str, Any]:
    return {"errors": [{"id": name, "code": 0, "details": "hidden"}]}


@pytest.mark.parametrize(
    "status,name,kind",
    [
        (401, "authentication_failed", AuthFailed),
        (402, "payment_required", QuotaExceeded),
        (403, "too_many_requests", RateLimited),
        (403, "restricted_account", AuthFailed),
        (429, "too_many_requests", RateLimited),
        (429, "usage_limit_reached", QuotaExceeded),
        (429, "no_credits_left", QuotaExceeded),
        (400, "wrong_params", PermanentFailure),
        (422, "invalid_first_name", PermanentFailure),
    ],
)
def test_f24_each_refusal_is_what_its_id_says_before_its_status(
    status: int, name: str, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as refused:
        asked(status, errors(name))
    assert refused.value.unbilled
    assert refused.value.vendor_code == name[:20]
    assert "hidden" not in str(refused.value)


def test_a_403_that_goes_on_for_minutes_is_a_refused_key() -> None:
    moments = iter([1.0, PATIENCE_WITH_403_S, PATIENCE_WITH_403_S + 2])
    body = json.dumps(errors("too_many_requests")).encode()

    async def refusal(client: HunterClient) -> type[ProviderError]:
        with pytest.raises(ProviderError) as refused:
            await client.ask([_FINDER], uuid4())
        return type(refused.value)

    async def run() -> list[type[ProviderError]]:
        async with (
            recording(response(403, body)) as vendor,
            HunterClient(vendor.url, "fake", timeouts=FAST, clock=lambda: next(moments)) as client,
        ):
            return [await refusal(client) for _ in range(3)]

    assert asyncio.run(run()) == [RateLimited, RateLimited, AuthFailed]


def test_a_404_of_the_vendor_is_no_data_and_free_any_other_a_wrong_address() -> None:
    answer = asked(404, errors("not_found"), question("companies", "acorn.example"))
    assert (answer.outcome, answer.cost_micros) == ("no_data", 0)
    with pytest.raises(AuthFailed, match="base URL"):
        asked(404, {"message": "no such page"})


def test_nothing_found_is_free() -> None:
    answer = asked(200, {"data": {"email": None, "score": None}})
    assert (answer.outcome, answer.cost_micros) == ("no_data", 0)


def test_f32_a_mail_server_that_misbehaves_is_asked_later_not_no_data() -> None:
    answer = asked(222, errors("smtp_error"), _VERIFIER)
    assert answer.outcome is None
    assert isinstance(answer.failure, TransientFailure)
    assert answer.failure.unbilled


_CLAIMED = {
    "email_finder": question("email_finder", "claimed|brook|acorn.example|"),
    "people": question("people", "claimed|brook|acorn.example|", email="claimed.brook@a.example"),
    "companies": question("companies", "claimed-acorn.example"),
}


@pytest.mark.parametrize("operation", _CLAIMED)
def test_who_objected_is_an_answer_free_of_charge_and_nothing_is_told(
    sandbox: SandboxProcess, operation: str
) -> None:
    async def run() -> Answer:
        async with HunterClient(f"{sandbox.url}/hunter", "fake", timeouts=FAST) as client:
            (answer,) = (await client.ask([_CLAIMED[operation]], uuid4())).answers
            assert not {value for value in told(client, answer.body).values() if value}
            return answer

    def told(client: HunterClient, body: bytes) -> dict[str, Any]:
        columns = dict(client.parse(operation, body))
        return {name: columns[name] for name in columns if name not in ("basis", "bands_version")}

    answer = asyncio.run(run())
    assert (answer.outcome, answer.cost_micros, answer.failure) == ("objected", 0, None)
    assert answer.body == asked(451, errors("claimed_email"), _CLAIMED[operation]).body


def test_a_451_that_is_not_the_vendors_is_no_objection() -> None:
    with pytest.raises(PermanentFailure):
        asked(451, "<html>blocked here</html>")


def test_who_objected_is_not_mailed_and_that_is_an_answer() -> None:
    answer = asked(451, errors("claimed_email"), _VERIFIER)
    assert (answer.outcome, answer.cost_micros) == ("data", 0)
    columns = parse_email_verifier(json.loads(answer.body))
    assert (columns["verdict"], columns["sub_status"]) == ("do_not_mail", "claimed_email")


@pytest.mark.parametrize("asks", [_FINDER, _VERIFIER], ids=["finder", "verifier"])
def test_what_is_still_running_is_accepted_and_polled_under_its_name(asks: Any) -> None:
    answer = asked(202, None, asks)
    assert answer.accepted is not None
    assert "ada" not in answer.accepted.external_id
    assert isinstance(HunterClient("http://127.0.0.1:9", "fake"), PollingProvider)


@pytest.mark.parametrize(
    "told,verdict",
    [
        ({"status": "valid"}, "valid"),
        ({"status": "accept_all"}, "accept_all"),
        ({"status": "webmail", "smtp_check": True}, "valid"),
        ({"status": "webmail"}, "unknown"),
        ({"status": "disposable"}, "do_not_mail"),
        ({"status": "blocked"}, "unknown"),
        ({"status": "invented"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_f37_a_status_is_told_in_our_words(told: dict[str, Any], verdict: str) -> None:
    assert parse_email_verifier(told)["verdict"] == verdict


@pytest.mark.parametrize(
    "told,source",
    [
        ({"email": "a@b.example", "sources": [{"uri": "x"}]}, "found"),
        ({"email": "a@b.example", "sources": []}, "inferred"),
        ({"email": None}, None),
    ],
)
def test_f34_an_inferred_address_is_not_called_found(
    told: dict[str, Any], source: str | None
) -> None:
    assert parse_email_finder(told)["source"] == source


@pytest.mark.parametrize(
    "employees,count,band",
    [(42, 42, "11-50"), ("11-50", None, "11-50"), ("51-250", None, None), (None, None, None)],
)
def test_employees_come_as_a_number_or_a_range(
    employees: object, count: int | None, band: str | None
) -> None:
    columns = parse_companies({"metrics": {"employees": employees}})
    assert (columns["employees"], columns["employees_band"]) == (count, band)


def test_a_person_without_a_job_leaves_its_columns_empty() -> None:
    columns = parse_people({"name": {"givenName": "Ada"}, "employment": None})
    assert columns.pop("first_name") == "Ada"
    assert set(columns.values()) == {None}


def test_the_sandbox_is_asked_like_the_vendor_and_polled_to_the_end(
    sandbox: SandboxProcess,
) -> None:
    sandbox.control("DELETE", "log")

    async def run() -> tuple[int, list[str | None]]:
        asks = [question("email_finder", f"ada|brook|firm-{n}.example|", n) for n in range(150)]
        async with HunterClient(f"{sandbox.url}/hunter", "fake", timeouts=FAST) as client:
            return await asked_to_the_end(client, asks)

    polls, outcomes = asyncio.run(run())
    assert polls > 0
    assert 75 < outcomes.count("data") < 115
    summary = sandbox.control("GET", "summary?vendor=hunter")
    assert summary["requests"] == 150 + polls
    assert summary["cost_micros"] == outcomes.count("data") * 24_500


def test_a_used_up_allowance_of_the_sandbox_is_a_quota(sandbox: SandboxProcess) -> None:
    async def run() -> None:
        async with HunterClient(f"{sandbox.url}/hunter", "fake", timeouts=FAST) as client:
            await client.ask([_FINDER], uuid4())

    sandbox.control("PUT", "allowance?vendor=hunter", {"used": True})
    try:
        with pytest.raises(QuotaExceeded):
            asyncio.run(run())
    finally:
        sandbox.control("PUT", "allowance?vendor=hunter", {"used": False})
