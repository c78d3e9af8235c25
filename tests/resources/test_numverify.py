"""NumVerify's own errors and quirks, and its answer read into columns."""

from __future__ import annotations

import asyncio
import json
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
from bulk_lookup_dagster.core.vendor_settings import NumverifySettings
from bulk_lookup_dagster.engine.provider import Exchange
from resources.numverify_client import VENDOR, NumverifyClient
from resources.numverify_records import parse_validate
from tests.contracts.client_contract import FAST, question
from tests.fakes.recorder import recording, response


def asked(document: object) -> Exchange:
    async def run() -> Exchange:
        answer = response(200, json.dumps(document).encode())
        async with (
            recording(answer) as vendor,
            NumverifyClient(vendor.url, "fake", timeouts=FAST) as client,
        ):
            return await client.ask([question("validate")], uuid4())

    return asyncio.run(run())


@pytest.mark.parametrize(
    "code,kind",
    [
        (101, AuthFailed),
        (102, AuthFailed),
        (103, PermanentFailure),
        (104, QuotaExceeded),
        (105, AuthFailed),
        (106, RateLimited),
        (210, PermanentFailure),
        (211, PermanentFailure),
        (310, PermanentFailure),
        (999, PermanentFailure),
    ],
)
def test_f26_a_200_that_carries_an_error_is_that_error(
    code: int, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as refused:
        asked({"success": False, "error": {"code": code, "type": "x", "info": "hidden"}})
    assert refused.value.unbilled
    assert refused.value.vendor_code == str(code)
    assert "hidden" not in str(refused.value)


def test_a_number_it_calls_invalid_is_an_answer_and_paid() -> None:
    (answer,) = asked({"valid": False, "number": "1", "carrier": "", "line_type": None}).answers
    assert (answer.outcome, answer.cost_micros) == ("data", 10_000)
    columns = parse_validate(json.loads(answer.body))
    assert columns["valid"] is False
    assert {value for name, value in columns.items() if name != "valid"} == {None}


@pytest.mark.parametrize(
    "theirs,ours",
    [("toll_free", "tollFree"), ("mobile", "mobile"), ("hologram", "hologram"), (None, None)],
)
def test_line_types_are_told_in_the_words_of_the_others(
    theirs: str | None, ours: str | None
) -> None:
    assert parse_validate({"valid": True, "line_type": theirs})["line_type"] == ours


def test_f27_an_answer_without_its_verdict_is_a_bad_response() -> None:
    with pytest.raises(BadResponse, match="valid"):
        parse_validate({"carrier": "x"})


@pytest.mark.parametrize(
    "edition,host", [("apilayer", "apilayer.net"), ("marketplace", "api.apilayer.com")]
)
def test_the_edition_chooses_the_address(edition: str, host: str) -> None:
    settings = NumverifySettings.model_validate({"edition": edition})
    assert repr(VENDOR.make({"api_key": "fake"}, "", settings)) == f"NumverifyClient({host})"
