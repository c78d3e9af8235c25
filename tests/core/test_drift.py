"""Figures and their bands: defined for zero rows and no history, never outside 0 to 1."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.drift import Figure, summary

NORMAL = Figure("refused rows", 60, 1_000, 0.05, 10, max_move=0.02, minimum=5)


@pytest.mark.parametrize(
    "change,verdict",
    [
        ({}, "within"),
        ({"part": 120}, "outside"),
        ({"part": 0, "mean": 0.3}, "outside"),
        ({"part": 120, "batches": 4}, "no history yet: 4 of 5 batches"),
        ({"part": 0, "whole": 0}, "no rows"),
        ({"part": 0, "whole": 0, "batches": 0, "mean": 0.0}, "no rows"),
    ],
)
def test_a_share_is_judged_by_the_band_around_the_mean(
    change: dict[str, float], verdict: str
) -> None:
    assert replace(NORMAL, **change).verdict == verdict  # type: ignore[arg-type]


def test_few_rows_may_move_further_than_many() -> None:
    few = replace(NORMAL, part=2, whole=10)
    many = replace(NORMAL, part=2_000, whole=10_000)
    assert few.share == many.share
    assert (few.verdict, many.verdict) == ("within", "outside")


@given(
    part=st.integers(0, 100),
    more=st.integers(0, 30_000),
    mean=st.floats(0, 1),
    batches=st.integers(0, 10),
    move=st.floats(0, 1),
)
def test_f39_every_ratio_is_defined(
    part: int, more: int, mean: float, batches: int, move: float
) -> None:
    figure = Figure("x", part, part + more, mean, batches, max_move=move, minimum=1)
    low, high = figure.band
    assert 0 <= low <= mean <= high <= 1
    assert 0 <= figure.share <= 1
    assert figure.judged == (batches >= 1 and part + more > 0)
    assert (figure.verdict == "outside") == (figure.judged and not low <= figure.share <= high)


def test_the_summary_names_what_is_unlike_or_why_nothing_was_judged() -> None:
    new = replace(NORMAL, batches=2)
    assert summary([]) == "Nothing judged: no rows."
    assert summary([new]) == "Nothing judged: no history yet: 2 of 5 batches."
    assert summary([NORMAL, new]) == "1 figures like those of earlier batches."
    drifted = replace(NORMAL, part=120)
    assert summary([NORMAL, drifted]) == (
        "Unlike earlier batches: refused rows 12.0% (2.9% to 7.1%)."
    )
