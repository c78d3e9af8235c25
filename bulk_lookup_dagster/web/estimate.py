"""Reads a plan's stored estimate into what its page shows.

Belongs here: the shape of the stored document as far as pages need it. Does not: estimating
(`services.plans`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Line(BaseModel):
    """One question of a plan; what the document does not say stays unknown."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    operation: str
    provider: str = ""
    step: str = ""
    due: int | None = None
    expected: int | None = None
    cached: int | None = None
    price_micros: int | None = None
    p10_micros: int | None = None
    p50_micros: int | None = None
    p90_micros: int | None = None
    max_micros: int | None = None


class LeftOut(BaseModel):
    """What a step would ask too: of whom, about how many at most, and why it cannot."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    provider: str
    operation: str
    questions: int = 0
    because: str = ""


class Step(BaseModel):
    """One step of a plan: its totals, or how many rows it skips and why."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    step: str
    title: str
    due: int = 0
    expected: int = 0
    cached: int = 0
    duplicates: int = 0
    skipped: int = 0
    skipped_because: str = ""
    left_out: tuple[LeftOut, ...] = ()
    p10_micros: int = 0
    p50_micros: int = 0
    p90_micros: int = 0
    max_micros: int = 0

    @property
    def asks_nobody(self) -> bool:
        """Whether it skips everything: nothing is due, known or expected."""
        return bool(self.skipped_because) and not (self.due or self.cached or self.expected)


class Estimate(BaseModel):
    """Totals, steps and questions of a plan."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    steps: tuple[Step, ...] = ()
    lines: tuple[Line, ...] = ()
    duplicates: int | None = None
    p10_micros: int | None = None
    p50_micros: int | None = None
    p90_micros: int | None = None
    max_micros: int | None = None
    duration_s: float | None = None
    slowest_limit: str | None = None


def read_estimate(document: Mapping[str, Any]) -> Estimate:
    """The estimate of a plan."""
    return Estimate.model_validate(document)
