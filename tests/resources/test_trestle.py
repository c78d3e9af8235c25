"""Trestle's own errors and quirks, and its parts read into columns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    ProviderError,
    QuotaExceeded,
    RateLimited,
)
from bulk_lookup_dagster.engine.provider import Exchange
from resources.trestle_client import TrestleClient
from resources.trestle_records import parse_phone_intel, parse_reverse_phone
from tests.contracts.client_contract import FAST, question
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def asked(status: int, document: object, operation: str = "reverse_phone") -> Exchange:
    async def run() -> Exchange:
        answer = response(status, json.dumps(document).encode())
        async with (
            recording(answer) as vendor,
            TrestleClient(vendor.url, "fake", timeouts=FAST) as client,
        ):
            return await client.ask([question(operation)], uuid4())

    return asyncio.run(run())


@pytest.mark.parametrize("form", ["errorCode", "error"])
@pytest.mark.parametrize(
    "status,code,kind",
    [
        (403, "INVALID_API_KEY", AuthFailed),
        (403, "FORBIDDEN", AuthFailed),
        (403, "MISSING_API_KEY", AuthFailed),
        (429, "RATE_LIMIT_EXCEEDED", RateLimited),
        (429, "QUOTA_EXCEEDED", QuotaExceeded),
    ],
)
def test_f24_each_refusal_is_what_it_means_in_both_forms(
    form: str, status: int, code: str, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as refused:
        asked(status, {form: code, "message": "x"})
    assert (refused.value.vendor_code, refused.value.unbilled) == (code, True)


@pytest.mark.parametrize(
    "document,outcome",
    [
        ({"is_valid": True, "owners": [{"name": "A"}]}, "data"),
        ({"is_valid": True, "owners": [{"name": "A"}], "error": {"name": "x"}}, "data"),
        ({"is_valid": True, "owners": []}, "no_data"),
        ({"is_valid": False, "owners": []}, "invalid_subject"),
    ],
)
def test_an_answer_says_whether_anything_is_known(document: object, outcome: str) -> None:
    (answer,) = asked(200, document).answers
    assert (answer.outcome, answer.cost_micros) == (outcome, 10_000)


def test_f32_a_partial_answer_without_owners_is_not_no_data() -> None:
    (answer,) = asked(200, {"is_valid": True, "owners": [], "error": {"name": "x"}}).answers
    assert answer.outcome is None
    assert isinstance(answer.failure, BadResponse)


@pytest.mark.parametrize(
    "score,valid,status",
    [
        (100, True, "connected"),
        (70, True, "connected"),
        (69, True, "unknown"),
        (50, True, "unknown"),
        (31, None, "unknown"),
        (30, True, "disconnected"),
        (0, True, "disconnected"),
        (None, True, "unknown"),
        (90, False, "invalid"),
    ],
)
def test_f37_a_score_that_tells_nothing_stays_unknown(
    score: int | None, valid: bool | None, status: str
) -> None:
    answer = {"activity_score": score, "is_valid": valid}
    assert parse_phone_intel(answer)["line_status"] == status


@pytest.mark.parametrize(
    "line_type,is_cell", [("Mobile", True), ("Landline", False), ("Other", None), (None, None)]
)
def test_whether_it_is_a_cell_follows_from_the_line_type(
    line_type: str | None, is_cell: bool | None
) -> None:
    assert parse_phone_intel({"line_type": line_type})["is_cell"] is is_cell


def test_the_first_owner_and_address_speak_for_the_number_and_all_are_kept() -> None:
    home = {"street_line_1": "1 Elm St", "street_line_2": "Apt 2", "city": "Austin"}
    owners = [
        {"name": "Acorn Dental", "type": "Business", "current_addresses": [home, {}]},
        {"name": "Ada Brook", "type": "Person"},
    ]
    columns = parse_reverse_phone({"owners": owners, "line_type": "FixedVOIP"})
    assert (columns["owner_name"], columns["owner_type"]) == ("Acorn Dental", "business")
    assert (columns["street"], columns["city"]) == ("1 Elm St, Apt 2", "Austin")
    assert columns["line_type"] == "fixedVoip"
    assert [one["name"] for one in columns["owners"]] == ["Acorn Dental", "Ada Brook"]


def test_nobody_known_leaves_every_column_empty() -> None:
    columns = parse_reverse_phone({"is_valid": True})
    assert columns.pop("owners") == []
    assert set(columns.values()) == {None}


def test_the_sandbox_is_asked_like_the_vendor(sandbox: SandboxProcess) -> None:
    sandbox.control("DELETE", "log")

    async def run() -> list[str | None]:
        outcomes: list[str | None] = []
        async with TrestleClient(f"{sandbox.url}/trestle", "fake") as client:
            for n in range(200):
                asked = question("reverse_phone", f"+1415555{n:04d}", n)
                (answer,) = (await client.ask([asked], uuid4())).answers
                outcomes.append(answer.outcome)
                if answer.outcome == "data":
                    assert client.parse("reverse_phone", answer.body)["owner_name"]
        return outcomes

    outcomes = asyncio.run(run())
    assert 120 < outcomes.count("data") < 180
    summary = sandbox.control("GET", "summary?vendor=trestle")
    assert (summary["requests"], summary["cost_micros"]) == (200, 200 * 70_000)
