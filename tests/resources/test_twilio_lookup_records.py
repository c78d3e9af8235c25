"""Parts of a Twilio Lookup answer as records: typed, or a `BadResponse` that tells no value."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.errors import BadResponse
from resources.twilio_lookup_records import BATCH_OPERATIONS, OPERATIONS, PRICES, parse_part

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
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


@given(st.sampled_from(sorted(OPERATIONS)), st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_f27_any_json_is_a_record_or_a_bad_response(operation: str, part: Any) -> None:
    with suppress(BadResponse):
        assert "valid" in parse_part(operation, {operation: part})
