"""Points as people write them: one spelling, or a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.points import REASONS, coordinates, read_point, read_points


@pytest.mark.parametrize(
    "text,point,reason",
    [
        ("33.4484,-112.074", "33.448400,-112.074000", ""),
        (" +33.4484 , -112.0740 ", "33.448400,-112.074000", ""),
        ("33.4484 -112.074", "33.448400,-112.074000", ""),
        ("33.4484;-112.074", "33.448400,-112.074000", ""),
        ("-33.8688,151.2093", "-33.868800,151.209300", ""),
        ("33.44840049,-112.07400051", "33.448400,-112.074001", ""),
        ("-0.0000001,0", "0.000000,0.000000", ""),
        ("90,-180", "90.000000,-180.000000", ""),
        ("-112.074,33.4484", "", "swapped"),
        ("112,33", "", "swapped"),
        ("91,120", "", "latitude_beyond_90"),
        ("190,33", "", "latitude_beyond_90"),
        ("33,181", "", "longitude_beyond_180"),
        ("", "", "empty"),
        (" ", "", "empty"),
        ("latitude,longitude", "", "not_a_point"),
        ("33.4484", "", "not_a_point"),
        ("33.4484,-112.074,5", "", "not_a_point"),
        ("33,4484,-112,074", "", "not_a_point"),
        ("nan,1", "", "not_a_point"),
        ("1e1,1", "", "not_a_point"),
        ("٣٣.٤,٢", "", "not_a_point"),
        ("9" * 400 + ",1", "", "not_a_point"),
    ],
)
def test_a_point_is_two_numbers_in_degrees_or_refused_with_a_reason(
    text: str, point: str, reason: str
) -> None:
    assert read_point(text) == (point, reason)
    assert not reason or REASONS[reason]


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_point_is_read_as_itself_and_moves_by_less_than_a_millionth(
    latitude: float, longitude: float
) -> None:
    point, reason = read_point(f"{latitude:.9f},{longitude:.9f}")
    assert reason == ""
    assert read_point(point) == (point, "")
    north, east = coordinates(point)
    assert abs(north - latitude) <= 0.51e-6
    assert abs(east - longitude) <= 0.51e-6


def test_each_point_is_taken_once_and_a_refusal_says_where_it_stood() -> None:
    given_texts = [("argument 1", "1,2"), ("line 1", "1.0000001,2"), ("line 2", "x" * 99)]
    read = read_points(given_texts)
    assert read.accepted == ["1.000000,2.000000"]
    assert [tuple(one) for one in read.refused] == [
        ("line 1", "1.0000001,2", "named_twice"),
        ("line 2", "x" * 40, "not_a_point"),
    ]
