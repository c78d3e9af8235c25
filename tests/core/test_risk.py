"""Risk bands: the versioned data covers every score once, and no score is never low."""

from __future__ import annotations

import pytest

from bulk_lookup_dagster.core.risk import BANDS, BANDS_VERSION, RiskLevel, risk_level


@pytest.mark.parametrize(
    "score, level",
    [(0, "low"), (25, "low"), (26, "medium"), (74, "medium"), (75, "high"), (100, "high")],
)
def test_f37_a_score_has_the_level_of_its_band(score: int, level: RiskLevel) -> None:
    assert risk_level(score) == level
    assert risk_level(score, blocked=False) == level


@pytest.mark.parametrize("score", [None, -1, 101])
def test_f37_no_score_or_one_outside_the_scale_is_unknown_and_not_low(score: int | None) -> None:
    assert risk_level(score) == "unknown"
    assert risk_level(score, blocked=False) == "unknown"


@pytest.mark.parametrize("score", [None, 0, 50, 100])
def test_f37_a_blocked_number_is_high_whatever_its_score(score: int | None) -> None:
    assert risk_level(score, blocked=True) == "high"


def test_f37_the_versioned_bands_cover_0_to_100_without_gap_or_overlap() -> None:
    covered = [score for low, high, _ in BANDS for score in range(low, high + 1)]
    assert covered == list(range(101))
    assert BANDS_VERSION
