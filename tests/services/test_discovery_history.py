"""How long searches were: what their limit ended says nothing about the pages after it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.services.discovery_history import PRIOR, WEIGHT, History
from bulk_lookup_dagster.services.steps.zipcode_businesses import MOST_REQUESTS

GOOGLE = "google_places"
_ROWS = st.lists(
    st.tuples(
        st.sampled_from([*MOST_REQUESTS, "another"]),
        st.sampled_from(["", "dentist", "gym"]),
        st.integers(1, 40),
        st.integers(1, 500),
        st.booleans(),
        st.integers(1, 1_000),
    ),
    max_size=30,
)


def shares(rows: list[tuple[str, str, int, int, bool, int]], kind: str = "gym") -> list[float]:
    return History(rows, MOST_REQUESTS).shares(GOOGLE, {kind: 1}, 3)


@given(
    _ROWS, st.dictionaries(st.sampled_from(["", "dentist", "gym"]), st.integers(0, 50)),
    st.integers(1, 20),
)  # fmt: skip
def test_whatever_was_there_there_is_a_share_after_each_request_but_the_last(
    rows: list[tuple[str, str, int, int, bool, int]], types: dict[str, int], most: int
) -> None:
    for provider in MOST_REQUESTS:
        found = History(rows, MOST_REQUESTS).shares(provider, types, most)
        assert len(found) == most - 1
        assert all(0 <= share <= 1 for share in found)


def test_without_history_the_prior_holds() -> None:
    assert shares([]) == [PRIOR, PRIOR]


def test_searches_that_ended_by_themselves_make_the_next_page_unlikely() -> None:
    first, second = shares([(GOOGLE, "gym", 1, 60, False, 1_000)])
    assert first < 0.02
    assert second == PRIOR, "nobody got there"


def test_searches_that_went_on_make_it_likely() -> None:
    assert min(shares([(GOOGLE, "gym", 3, 60, False, 1_000)])) > 0.98


@pytest.mark.parametrize("limit, full", [(20, False), (60, True)], ids=["not allowed", "full"])
def test_a_search_that_its_limit_ended_says_nothing(limit: int, full: bool) -> None:
    assert shares([(GOOGLE, "gym", 1, limit, full, 1_000)]) == [PRIOR, PRIOR]


def test_a_type_that_is_not_known_is_taken_for_the_others_of_its_provider() -> None:
    others = [(GOOGLE, "dentist", 1, 60, False, 1_000), ("yelp", "gym", 2, 100, False, 1_000)]
    first = shares(others)[0]
    assert first < 0.02
    own = shares([*others, (GOOGLE, "gym", 3, 60, False, WEIGHT)])[0]
    assert 0.45 < own < 0.55, "as many of its own weigh as much as what is usual"


def test_a_mixture_goes_on_as_those_of_it_do_that_are_left() -> None:
    """Half end after a page; whoever is left after it goes on for sure."""
    rows = [(GOOGLE, "dentist", 1, 60, False, 10**6), (GOOGLE, "", 3, 60, False, 10**6)]
    first, second = History(rows, MOST_REQUESTS).shares(GOOGLE, {"dentist": 1, "": 1}, 3)
    assert first == pytest.approx(0.5, abs=0.01)
    assert second == pytest.approx(1.0, abs=0.01)
