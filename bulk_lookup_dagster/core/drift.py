"""Drift: whether a batch's share of something lies where earlier batches' shares lay.

Belongs here: the figure, its allowed band, its words. Does not: counting (`services.history`),
expectations (`expectations.history`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

_DEVIATIONS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """`part` of `whole` rows of one batch, beside the mean share of `batches` earlier ones."""

    name: str
    part: int
    whole: int
    mean: float
    batches: int
    max_move: float
    minimum: int

    @property
    def share(self) -> float:
        """The batch's own share; 0 of no rows."""
        return self.part / self.whole if self.whole else 0.0

    @property
    def band(self) -> tuple[float, float]:
        """What is allowed: `max_move` around the mean, or what chance does to so few rows."""
        guess = (self.mean * self.whole + 1) / (self.whole + 2)  # never quite 0 or 1
        chance = _DEVIATIONS * sqrt(guess * (1 - guess) / self.whole) if self.whole else 1.0
        move = max(self.max_move, chance)
        return max(0.0, self.mean - move), min(1.0, self.mean + move)

    @property
    def judged(self) -> bool:
        """Whether there are rows to judge and history to judge them by."""
        return self.whole > 0 and self.batches >= self.minimum

    @property
    def verdict(self) -> str:
        """Within, outside, or why it was not judged."""
        if not self.whole:
            return "no rows"
        if not self.judged:
            return f"no history yet: {self.batches} of {self.minimum} batches"
        low, high = self.band
        return "within" if low <= self.share <= high else "outside"


def summary(figures: Sequence[Figure]) -> str:
    """One sentence about all figures."""
    judged = [figure for figure in figures if figure.judged]
    outside = [figure for figure in judged if figure.verdict == "outside"]
    if outside:
        told = (f"{each.name} {each.share:.1%} ({_percent(each.band)})" for each in outside)
        return f"Unlike earlier batches: {', '.join(told)}."
    if judged:
        return f"{len(judged)} figures like those of earlier batches."
    reasons = sorted({figure.verdict for figure in figures}) or ["no rows"]
    return f"Nothing judged: {'; '.join(reasons)}."


def _percent(band: tuple[float, float]) -> str:
    return f"{band[0]:.1%} to {band[1]:.1%}"
