"""People Data Labs' own errors and quirks, and its answers read into columns."""

from __future__ import annotations

import asyncio
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
)
from bulk_lookup_dagster.engine.provider import Answer, Question
from resources.pdl_client import PdlClient
from resources.pdl_records import parse_company, parse_person, parse_person_email
from tests.contracts.client_contract import FAST, question
from tests.fakes.asking import answer_to
from tests.fakes.sandbox import SandboxProcess, running_sandbox

_PERSON = question("person", "ada|brook|acorn.example|")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def asked(status: int, document: object, asks: Question = _PERSON) -> Answer:
    return answer_to(lambda url: PdlClient(url, "fake", timeouts=FAST), asks, status, document)


def error(kind: str) -> dict[str, Any]:
    return {"status": 0, "error": {"type": [kind], "message": "hidden"}}


@pytest.mark.parametrize(
    "status,name,kind",
    [
        (400, "invalid_request_error", PermanentFailure),
        (401, "authentication_error", AuthFailed),
        (402, "payment_required", QuotaExceeded),
        (429, "rate_limit_error", RateLimited),
    ],
)
def test_f24_each_refusal_is_what_it_means(
    status: int, name: str, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as refused:
        asked(status, error(name))
    assert (refused.value.vendor_code, refused.value.unbilled) == (name[:20], True)
    assert "hidden" not in str(refused.value)


def test_a_miss_is_no_data_and_free_any_other_404_a_wrong_address() -> None:
    answer = asked(404, error("not_found"))
    assert (answer.outcome, answer.cost_micros) == ("no_data", 0)
    with pytest.raises(AuthFailed, match="base URL"):
        asked(404, {"message": "no such page"})


def test_a_match_without_the_address_that_was_required_is_no_data_and_paid() -> None:
    asks = question("person_email", "ada|brook|acorn.example|")
    answer = asked(200, {"likelihood": 9, "data": {"work_email": True}}, asks)
    assert (answer.outcome, answer.cost_micros) == ("no_data", 10_000)


def test_a_field_that_the_plan_hides_is_not_known() -> None:
    hidden = {"work_email": True, "job_title": True, "linkedin_url": "linkedin.com/in/ada"}
    columns = parse_person({"likelihood": 7, "data": hidden})
    assert (columns["work_email"], columns["position"]) == (None, None)
    assert (columns["linkedin"], columns["likelihood"]) == ("linkedin.com/in/ada", 70)
    assert parse_person_email({"data": hidden})["source"] is None


def test_a_company_is_read_from_the_top_of_its_answer() -> None:
    columns = parse_company(
        {
            "likelihood": 10,
            "display_name": "Acorn Dental",
            "website": "acorn.example",
            "size": "11-50",
            "inferred_revenue": "$1M-$10M",
            "location": {"locality": "reno"},
        }
    )
    assert (columns["name"], columns["email_domain"]) == ("Acorn Dental", "acorn.example")
    assert (columns["site"], columns["city"]) == ("https://acorn.example", "reno")
    assert (columns["employees_band"], columns["revenue_band"]) == ("11-50", "1M-10M")
    assert columns["likelihood"] == 100


def test_f27_a_likelihood_beyond_its_scale_is_a_bad_response() -> None:
    with pytest.raises(BadResponse, match="likelihood"):
        parse_company({"likelihood": 11})


@pytest.mark.parametrize(
    "operation,subject,low,high",
    [
        ("person", "ada|brook|firm-{n}.example|", 70, 115),
        ("person_email", "ada|brook|firm-{n}.example|", 30, 80),
        ("company", "firm-{n}.example", 85, 130),
    ],
)
def test_the_sandbox_is_asked_like_the_vendor(
    sandbox: SandboxProcess, operation: str, subject: str, low: int, high: int
) -> None:
    sandbox.control("DELETE", "log")

    async def run() -> list[Answer]:
        answers: list[Answer] = []
        async with PdlClient(f"{sandbox.url}/pdl", "fake", timeouts=FAST) as client:
            for n in range(150):
                asks = question(operation, subject.format(n=n), n)
                answers += (await client.ask([asks], uuid4())).answers
                if answers[-1].outcome == "data":
                    columns = client.parse(operation, answers[-1].body)
                    assert columns.get("last_name", "Brook") == "Brook"
        return answers

    hits = [one for one in asyncio.run(run()) if one.outcome == "data"]
    assert low < len(hits) < high
    summary = sandbox.control("GET", "summary?vendor=pdl")
    assert (summary["requests"], summary["billed"]) == (150, len(hits))
