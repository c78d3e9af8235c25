"""Why a pair scored what it did: bits per comparison, from the stored level vector.

Belongs here: reading a vector with the model it was made with. Does not: levels
(`matching.comparisons`), drawing (`web.waterfall`).

How rare a name is, is not in the vector: what the levels leave unexplained is shown as rarity.
"""

from __future__ import annotations

from dataclasses import dataclass

from bulk_lookup_dagster.matching.comparisons import COMPARISONS
from bulk_lookup_dagster.matching.model import Model


@dataclass(frozen=True)
class Reason:
    """Bits of evidence that one comparison gave, for (or, below 0, against) the same."""

    comparison: str
    level: str
    bits: float


def explain(model: Model, band: int, levels: str, score: float) -> list[Reason]:
    """Reasons in the model's order, the prior first; they sum to the score.

    Comparisons with a missing value say nothing and are left out.
    """
    reasons = [Reason("prior", f"one of 2^{band} records", model.prior(band))]
    for comparison, digit in zip(COMPARISONS, levels, strict=True):
        if digit == "0":
            continue
        named = {str(level.digit): level.name for level in comparison.levels}
        name = named.get(digit, "differs")
        bits = next(one.bits for one in model.weights[comparison.name] if one.name == name)
        reasons.append(Reason(comparison.name, name, bits))
    rest = score - sum(reason.bits for reason in reasons)
    if abs(rest) >= 0.05:
        reasons.append(Reason("rarity", "of the names", rest))
    return reasons
