"""Twilio add-ons: statuses inside a 200, both shapes of Scout, what is not installed."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.errors import BadResponse, ProviderUnavailable, TransientFailure
from bulk_lookup_dagster.engine.provider import Exchange
from resources.twilio_addons_client import TwilioAddonsClient
from resources.twilio_addons_records import parse_icehook_scout, parse_real_phone_validation
from tests.contracts.client_contract import FAST, question
from tests.contracts.test_twilio_addons import NAMES, RPV, SCOUT, answered
from tests.fakes.recorder import recording, response

RISK = {"risk_level": 62, "spam_rating": 62, "is_spam": True}


def asked(document: Any, *operations: str, status: int = 200) -> Exchange:
    async def run() -> Exchange:
        async with (
            recording(response(status, json.dumps(document).encode())) as vendor,
            TwilioAddonsClient(vendor.url, ("SKfake", "fake"), NAMES, timeouts=FAST) as client,
        ):
            names = operations or ("real_phone_validation",)
            questions = [question(name, number=n) for n, name in enumerate(names, 1)]
            return await client.ask(questions, uuid4())

    return asyncio.run(run())


@pytest.mark.parametrize(
    "word,status",
    [
        ("connected", "connected"),
        ("connected-75", "connected"),
        ("Disconnected", "disconnected"),
        ("unreachable", "unreachable"),
        ("busy", "busy"),
        ("pending", "pending"),
        ("restricted", "restricted"),
        ("invalid phone", "invalid"),
        ("ERROR", "unknown"),
        ("new word", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_status_is_told_in_the_words_of_the_others(word: str | None, status: str) -> None:
    assert parse_real_phone_validation({"status": word})["line_status"] == status


@pytest.mark.parametrize("word,cell", [("Y", True), ("N", False), ("V", None), (None, None)])
def test_f37_a_kind_of_line_it_does_not_tell_stays_unknown(
    word: str | None, cell: bool | None
) -> None:
    assert parse_real_phone_validation({"iscell": word})["is_cell"] is cell


def test_scout_is_read_in_both_shapes_and_kept_as_it_came() -> None:
    porting = parse_icehook_scout(SCOUT)
    assert (porting["ported"], porting["location_routing_number"]) == (True, "4155550000")
    assert porting["operating_company_name"] == "EXAMPLE TELCO"
    assert (porting["risk_level"], porting["details"]) == (None, SCOUT)
    risk = parse_icehook_scout(RISK)
    assert (risk["ported"], risk["risk_level"], risk["details"]) == (None, "62", RISK)


@pytest.mark.parametrize(
    "value,ported", [("true", True), ("false", False), (True, True), ("perhaps", None)]
)
def test_ported_is_a_flag_or_a_word(value: Any, ported: bool | None) -> None:
    assert parse_icehook_scout({"ported": value})["ported"] is ported


@pytest.mark.parametrize("routing", ["", "12", "1" * 16, None])
def test_a_routing_number_that_is_none_is_missing(routing: str | None) -> None:
    answer = {"location_routing_number": routing}
    assert parse_icehook_scout(answer)["location_routing_number"] is None


def test_f32_an_add_on_that_failed_is_free_and_the_other_one_is_answered() -> None:
    document = answered(rpv=RPV, scout=SCOUT)
    document["add_ons"]["results"]["scout"] |= {"status": "failed", "code": 61006}
    first, second = asked(document, "real_phone_validation", "icehook_scout").answers
    assert (first.outcome, first.cost_micros) == ("data", 10_000)
    assert isinstance(second.failure, TransientFailure)
    assert second.failure.unbilled
    assert second.failure.vendor_code == "61006"


def test_f26_a_200_whose_add_ons_failed_is_a_failure() -> None:
    with pytest.raises(TransientFailure) as failed:
        asked({"add_ons": {"status": "failed", "code": 61001, "results": {}}})
    assert failed.value.unbilled


def test_an_add_on_that_is_not_installed_names_the_setting_and_stays_due() -> None:
    with pytest.raises(ProviderUnavailable) as missing:
        asked(answered(other=RPV))
    assert "twilio_addons.real_phone_validation_name" in missing.value.fix
    first, second = asked(answered(rpv=RPV), "real_phone_validation", "icehook_scout").answers
    assert first.outcome == "data"
    assert isinstance(second.failure, ProviderUnavailable)


def test_f40_a_number_that_is_none_is_an_outcome_of_its_own_and_free() -> None:
    (answer,) = asked({"code": 20404, "message": "hidden", "status": 404}, status=404).answers
    assert (answer.outcome, answer.cost_micros) == ("invalid_subject", 0)


@pytest.mark.parametrize("wrong", [{"status": "new"}, {"result": None}, {"result": []}])
def test_f26_an_add_on_without_status_or_result_is_a_bad_response(wrong: dict[str, Any]) -> None:
    document = answered(rpv=RPV)
    document["add_ons"]["results"]["rpv"] |= wrong
    with pytest.raises(BadResponse):
        asked(document)
