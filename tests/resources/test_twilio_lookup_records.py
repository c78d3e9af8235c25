"""Parts of a Twilio Lookup answer as records: typed, or a `BadResponse` that tells no value."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.errors import BadResponse
from resources.twilio_lookup_records import BATCH_OPERATIONS, OPERATIONS, PRICES, parse_part
from tests.contracts.openapi import document

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_VODAFONE = {
    "carrier_name": "Vodafone UK",
    "mobile_country_code": "276",
    "mobile_network_code": "02",
}
_FULL: list[tuple[str, str, dict[str, Any]]] = [
    ("validation", "fetch", {}),
    (
        "line_type_intelligence",
        "fetchLineTypeIntelligence",
        {
            "line_type": "nonFixedVoip",
            "carrier_name": "Twilio - SMS/MMS-SVR",
            "mobile_country_code": "240",
            "mobile_network_code": "38",
        },
    ),
    (
        "caller_name",
        "fetchCallerName",
        {"caller_name": "Sergio Suarez", "caller_type": "CONSUMER"},
    ),
    (
        "sim_swap",
        "fetchSimSwap",
        {
            "sim_swapped_at": "2020-04-27T10:18:50Z",
            "sim_swapped_in_period": True,
            "details": {"swapped_period": "PT48H"},
            **_VODAFONE,
        },
    ),
    ("call_forwarding", "fetchCallForwarding", {"call_forwarding_enabled": True}),
    ("line_status", "fetchLineStatusInactive", {"line_status": "disconnected"}),
    (
        "identity_match",
        "fetchIdentityMatch",
        {
            "identity_score": 90,
            "details": {
                "first_name_match": "exact_match",
                "last_name_match": "high_partial_match",
                "address_lines_match": "no_match",
                "city_match": "no_match",
                "state_match": "high_partial_match",
                "postal_code_match": "no_data_available",
                "address_country_match": "exact_match",
                "national_id_match": "exact_match",
                "date_of_birth_match": "exact_match",
            },
        },
    ),
    (
        "reassigned_number",
        "fetchReassignedNumberWithNumberReassigned",
        {"reassigned": "yes", "details": {"last_verified_date": "2020-12-27"}},
    ),
    (
        "sms_pumping_risk",
        "fetchSmsPumpingRisk",
        {
            "sms_pumping_risk_score": 61,
            "carrier_risk_category": "moderate",
            "number_blocked": False,
            "number_blocked_on": None,
            "number_blocked_last_3_months": None,
            "risk_level": "medium",
        },
    ),
    (
        "phone_number_quality_score",
        "fetchPhoneNumberQualityScore",
        {
            "quality_score": 0,
            "details": {
                "carrier_risk_score": 17,
                "carrier_risk_category": "low",
                "disposable_phone_risk_score": 13,
                "disposable_phone_risk_category": "low",
                "quality_score": 0,
                "quality_category": "low",
                "velocity_risk_score": 0,
                "velocity_risk_category": "low",
                "error_code": None,
            },
        },
    ),
    (
        "pre_fill",
        "fetchPreFill",
        {
            "details": {
                "first_name": "John",
                "last_name": "Doe",
                "address_line": "321 Main Street",
                "country_code": "US",
                "state": "WA",
                "postal_code": "98117",
                "error_code": None,
            }
        },
    ),
]
FIELDS = ("type", "caller_name", "number_blocked_date", "last_sim_swap", "summary_score", "status")


@pytest.mark.parametrize("when", ["20260814T093000Z", "2026-W33-5T09:30:00Z", "2026-08-14"])
def test_f27_a_blocking_date_is_a_calendar_date_however_iso_writes_it(when: str) -> None:
    part = {"number_blocked": True, "number_blocked_date": when}
    record = parse_part("sms_pumping_risk", {"sms_pumping_risk": part})
    assert record["number_blocked_on"] == "2026-08-14"
    assert record["risk_level"] == "high"


@pytest.mark.parametrize(
    "operation, part",
    [
        ("line_type_intelligence", {"type": 7}),
        ("caller_name", {"caller_name": []}),
        ("caller_name", {"caller_name": "hidden\x00"}),
        ("sms_pumping_risk", {"sms_pumping_risk_score": "hidden"}),
        ("sms_pumping_risk", {"sms_pumping_risk_score": 101}),
        ("sim_swap", {"last_sim_swap": "hidden"}),
        ("call_forwarding", {"call_forwarding_enabled": "hidden"}),
        ("line_status", "hidden"),
    ],
)
def test_f27_a_wrong_type_is_a_bad_response_without_the_value(operation: str, part: Any) -> None:
    with pytest.raises(BadResponse) as caught:
        parse_part(operation, {operation: part})
    assert "hidden" not in str(caught.value)


def test_every_price_and_batch_name_is_an_operation() -> None:
    assert {price.operation for price in PRICES} <= OPERATIONS.keys()
    assert OPERATIONS.keys() >= BATCH_OPERATIONS


def _example(name: str) -> dict[str, Any]:
    """A whole answer as the vendor shows it."""
    contract = document("twilio_lookups_v2")
    answers = contract["paths"]["/v2/PhoneNumbers/{PhoneNumber}"]["get"]["responses"]["200"]
    body: dict[str, Any] = answers["content"]["application/json"]["examples"][name]["value"]
    return body


@pytest.mark.parametrize("operation, example, columns", _FULL, ids=[one[0] for one in _FULL])
def test_a_whole_answer_of_the_vendor_becomes_a_record(
    operation: str, example: str, columns: dict[str, Any]
) -> None:
    body = _example(example)
    record = parse_part(operation, body)
    shared = ("valid", "national_format", "country_code", "validation_errors")
    spelled = {name: body[name] for name in shared if operation != "line_status"}
    assert record == spelled | columns


def test_every_package_has_a_whole_answer_here() -> None:
    assert {operation for operation, _, _ in _FULL} == set(OPERATIONS)


def test_an_answer_about_no_number_is_one() -> None:
    record = parse_part("line_type_intelligence", _example("fetchInvalid"))
    assert record == {
        "valid": False,
        "validation_errors": ["TOO_LONG"],
        "national_format": None,
        "country_code": None,
    }


@given(st.sampled_from(sorted(OPERATIONS)), st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_f27_any_json_is_a_record_or_a_bad_response(operation: str, part: Any) -> None:
    with suppress(BadResponse):
        record = parse_part(operation, {operation: part})
        assert ("valid" in record) == (operation != "line_status")
