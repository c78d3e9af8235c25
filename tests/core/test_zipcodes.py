"""ZIP codes as people write them, and the reason why one is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.business_types import business_type
from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.zipcodes import REASONS, read_zipcode, read_zipcodes


@pytest.mark.parametrize(
    "text,zipcode,reason",
    [
        ("85001", "85001", ""),
        (" 85001-1234\n", "85001", ""),
        ("850011234", "85001", ""),
        ("", "", "empty"),
        ("2134", "", "lost_leading_zero"),
        ("8500A", "", "not_a_zipcode"),
        ("٨٥٠٠١", "", "not_a_zipcode"),
        ("00500", "", "not_given_out"),
        ("00501", "00501", ""),
    ],
)
def test_a_zipcode_is_five_digits_or_refused_with_a_reason(
    text: str, zipcode: str, reason: str
) -> None:
    assert read_zipcode(text) == (zipcode, reason)
    assert not reason or reason in REASONS


def test_each_is_taken_once_in_the_order_given() -> None:
    read = read_zipcodes(["94101", "85001", "94101-0001", "x" * 99])
    assert read.accepted == ["94101", "85001"]
    assert read.refused == [("94101-0001", "named_twice"), ("x" * 40, "not_a_zipcode")]


@given(st.lists(st.text(max_size=12)))
def test_every_text_is_taken_or_refused(texts: list[str]) -> None:
    read = read_zipcodes(texts)
    assert len(read.accepted) + len(read.refused) == len(texts)
    assert len(set(read.accepted)) == len(read.accepted)
    assert {reason for _, reason in read.refused} <= REASONS.keys()


def test_a_type_that_no_vendor_knows_is_refused_with_those_there_are() -> None:
    assert business_type("").google == ""
    with pytest.raises(InputError, match="dentist"):
        business_type("dentst")
