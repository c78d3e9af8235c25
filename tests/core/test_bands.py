"""Bands: every size has exactly one, ranges that say too little have none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core import bands
from bulk_lookup_dagster.core.bands import EMPLOYEES, REVENUE_USD, Band


@given(st.integers(1, 10**7))
def test_every_number_of_employees_has_one_band(count: int) -> None:
    assert sum(band.holds(count, count) for band in EMPLOYEES) == 1
    assert bands.employees_band(count) is not None


@given(st.integers(0, 10**13))
def test_every_revenue_has_one_band(usd: int) -> None:
    assert sum(band.holds(usd, usd) for band in REVENUE_USD) == 1
    assert bands.revenue_band(usd) is not None


@pytest.mark.parametrize("rows", [EMPLOYEES, REVENUE_USD])
def test_bands_follow_each_other_without_a_gap(rows: tuple[Band, ...]) -> None:
    for one, following in pairwise(rows):
        assert one.high is not None
        assert one.high + 1 == following.low
    assert rows[-1].high is None


@pytest.mark.parametrize(
    "text,label",
    [
        ("11-50", "11-50"),
        ("11 - 50", "11-50"),
        ("1K-5K", None),
        ("1,001-5,000", "1001-5000"),
        ("10001+", "10001+"),
        ("10000+", None),
        ("51-250", None),
        ("7", "1-10"),
        ("0", None),
        ("many", None),
        ("", None),
        (None, None),
    ],
)
def test_f37_a_range_that_spans_several_bands_stays_unknown(
    text: str | None, label: str | None
) -> None:
    assert bands.employees_range(text) == label


@pytest.mark.parametrize(
    "text,label",
    [
        ("$0-$1M", "under 1M"),
        ("$1M-$10M", "1M-10M"),
        ("$500M-$1B", "500M-1B"),
        ("$10B+", "10B+"),
        ("$1M-$25M", None),
        ("$-5", None),
    ],
)
def test_ranges_of_revenue_are_read_without_their_upper_end(text: str, label: str | None) -> None:
    assert bands.revenue_range(text) == label


@given(st.text(max_size=20))
def test_no_text_makes_reading_a_range_fail(text: str) -> None:
    assert bands.employees_range(text) in {None, *(band.label for band in EMPLOYEES)}


@pytest.mark.parametrize("count", [None, 0, -1])
def test_f37_nobody_known_is_no_band(count: int | None) -> None:
    assert bands.employees_band(count) is None
