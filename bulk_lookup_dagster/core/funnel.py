"""What asking will probably cost: a simulated funnel of questions that lead to questions.

Each stage asks its due subjects and those an earlier stage leaves over or leads to; each question
is billed with the provider's own rate, independently. Nothing exceeds what is due and may come,
times the price.

Belongs here: the arithmetic. Does not: counting what is due (`services.plan_estimates`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

DRAWS = 1_000
_SEED = 20_261_101  # the same counts always give the same plan


@dataclass(frozen=True, slots=True)
class Stage:
    """Questions of one kind. `pool` is how many more may come: the `share` of the questions of
    stage `source`, or of the pool itself where there is no source. Prices in micro-dollars."""

    due: int
    price_micros: float
    billed_share: float
    pool: int = 0
    source: int | None = None
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Micro-dollars: likely lows and highs, and the most it can be."""

    p10: int
    p50: int
    p90: int
    maximum: int

    def document(self) -> dict[str, int]:
        """As plans store it."""
        return {
            "p10_micros": self.p10,
            "p50_micros": self.p50,
            "p90_micros": self.p90,
            "max_micros": self.maximum,
        }


@dataclass(frozen=True, slots=True)
class Funnel:
    """Cost of each stage and of all, and how many questions each will probably ask."""

    stages: tuple[Spread, ...]
    total: Spread
    questions: tuple[int, ...]


def simulate(stages: Sequence[Stage]) -> Funnel:
    """The spread over `DRAWS` runs; a stage's source stands before it."""
    # A stream per stage: one stage more changes nothing about the others.
    chances = [random.Random(_SEED + number) for number in range(len(stages))]  # noqa: S311
    costs: list[list[float]] = [[] for _ in stages]
    asked = [0.0] * len(stages)
    totals: list[float] = []
    for _ in range(DRAWS if stages else 0):
        counts: list[float] = []
        total = 0.0
        for number, (stage, chance) in enumerate(zip(stages, chances, strict=True)):
            count = stage.due + _coming(chance, stage, counts)
            cost = stage.price_micros * _thinned(chance, count, stage.billed_share)
            counts.append(count)
            costs[number].append(cost)
            asked[number] += count
            total += cost
        totals.append(total)
    most = [round((stage.due + stage.pool) * stage.price_micros) for stage in stages]
    return Funnel(
        tuple(_spread(values, limit) for values, limit in zip(costs, most, strict=True)),
        _spread(totals, sum(most)),
        tuple(round(count / DRAWS) for count in asked),
    )


def combined(spreads: Sequence[Spread]) -> Spread:
    """The spread of a sum whose parts do not depend on each other."""
    middle = sum(one.p50 for one in spreads)
    below = math.sqrt(sum((one.p50 - one.p10) ** 2 for one in spreads))
    above = math.sqrt(sum((one.p90 - one.p50) ** 2 for one in spreads))
    most = sum(one.maximum for one in spreads)
    return Spread(max(0, round(middle - below)), middle, min(most, round(middle + above)), most)


def _coming(chance: random.Random, stage: Stage, counts: Sequence[float]) -> float:
    base = stage.pool if stage.source is None else counts[stage.source]
    return min(float(stage.pool), _thinned(chance, base, stage.share))


def _thinned(chance: random.Random, count: float, share: float) -> float:
    """How many of `count` are left when each stays with this share: a binomial, as a normal."""
    if count <= 0 or share <= 0:
        return 0.0
    reach = math.sqrt(count * share * (1 - share)) if share < 1 else 0.0
    return min(count, max(0.0, count * share + chance.gauss(0, 1) * reach))


def _spread(values: list[float], most: int) -> Spread:
    if not values:
        return Spread(0, 0, 0, most)
    values.sort()
    last = len(values) - 1
    p10, p50, p90 = (min(most, round(values[round(last * part)])) for part in (0.1, 0.5, 0.9))
    return Spread(p10, p50, p90, most)
