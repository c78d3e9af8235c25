"""What asking some questions will probably cost: percentiles of a binomial.

Of `due` questions each is billed with the provider's own hit rate, independently; a normal
approximation gives p10, p50 and p90, and nothing ever exceeds `due x price`.

Belongs here: the arithmetic. Does not: counting what is due (see `services.plans`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_Z90 = 1.2815515655446004


@dataclass(frozen=True, slots=True)
class Spread:
    """Micro-dollars: likely lows and highs, and the most it can be."""

    p10: int
    p50: int
    p90: int
    maximum: int


def cost_spread(counts: list[tuple[int, int, float]]) -> Spread:
    """Spread of a sum over (questions due, price in micro-dollars, share that is billed)."""
    mean = sum(due * price * share for due, price, share in counts)
    variance = sum(due * price**2 * share * (1 - share) for due, price, share in counts)
    maximum = sum(due * price for due, price, _ in counts)
    reach = _Z90 * math.sqrt(variance)

    def bounded(value: float) -> int:
        return max(0, min(maximum, round(value)))

    return Spread(bounded(mean - reach), bounded(mean), bounded(mean + reach), maximum)
