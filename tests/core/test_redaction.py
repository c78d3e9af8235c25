"""What counts as personal in a log line, and what must stay readable."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.redaction import redact, redact_text


@pytest.mark.parametrize(
    "text",
    [
        "asked for +14155550100 twice",
        "asked for +1 (415) 555-0100",
        "asked for (415) 555-0100",
        "asked for 415-555-0100",
        "asked for 415.555.0100",
        "asked for 4155550100",
        "asked for +49 30 1234567",
        "asked for 0049 30 1234567",
        "GET /v2/PhoneNumbers/%2B14155550100?Fields=caller_name",
        "GET /v2/PhoneNumbers/+14155550100",
        "duplicate: DETAIL: Key (value)=(+14155550100) already exists.",
        "Failing row contains (7, 4155550100, Ada Example).",
    ],
)
def test_numbers_go(text: str) -> None:
    cleaned = redact_text(text)
    assert "555" not in cleaned or "0100" not in cleaned
    assert "1234567" not in cleaned
    assert "Ada" not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T22:51:57.123456Z batch 20261123-ab12cd34 published",
        "request 3f2504e0-4f89-11d3-9a0c-0305e82c3301 took 1234567 ms",
        "PostgreSQL 18.6 on 127.0.0.1:54321",
        "cost $1,234.56 for 25,000 rows",
        "Twilio code 20429",
        "release bulk-lookup@0.1.0",
    ],
)
def test_ids_times_and_amounts_stay(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "text,hidden",
    [
        ("mail to ada.example+x@mail.example.org bounced", "example+x"),
        ("postgresql://loader:pass-word@127.0.0.1:5432/db refused", "pass-word"),
        ("authorization: Basic QUM6c2VjcmV0", "QUM6"),
        ("{'Authorization': 'Bearer abc.def'}", "abc.def"),
        ("api_key=abcdef", "abcdef"),
    ],
)
def test_addresses_and_credentials_go(text: str, hidden: str) -> None:
    assert hidden not in redact_text(text)


def test_structures_are_cleaned_in_depth() -> None:
    event = {
        "event": "failed for +14155550100",
        "phone": 4155550100,
        "rows": [{"email": "a@b.example", "count": 3}],
        "nested": {"auth_token": "x", "batch_id": 7, "ok": True, "nothing": None},
        "error": ValueError("415-555-0100"),
    }
    assert redact(event) == {
        "event": "failed for [phone]",
        "phone": "[removed]",
        "rows": [{"email": "[removed]", "count": 3}],
        "nested": {"auth_token": "[removed]", "batch_id": 7, "ok": True, "nothing": None},
        "error": "[phone]",
    }


@given(st.integers(2_000_000_000, 9_999_999_999), st.sampled_from(list(range(4))))
def test_no_form_of_a_north_american_number_survives(national: int, style: int) -> None:
    number = phonenumbers.PhoneNumber(country_code=1, national_number=national)
    text = f"subject {phonenumbers.format_number(number, style)} failed"
    assert str(national)[-7:] not in "".join(filter(str.isdigit, redact_text(text)))
