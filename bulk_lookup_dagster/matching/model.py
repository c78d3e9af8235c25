"""The model: how likely each level is among the same (m) and among others (u), and thresholds.

Belongs here: reading, checking and weighing a versioned model document. Does not: what levels
mean (`matching.comparisons`).

Bits of evidence are log2(m / u). The prior is `pairs_per_record` over the number of records, of
which only the power of two counts (the N-band), so that a file that grows by one does not change
every score.
"""

from __future__ import annotations

import math
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bulk_lookup_dagster.matching.comparisons import COMPARISONS

Share = Annotated[float, Field(gt=0, le=1)]
CURRENT = "contacts-1"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LevelWeight(_Strict):
    """Chances of one level."""

    name: str
    m: Share
    u: Share

    @property
    def bits(self) -> float:
        """Evidence for (or, below 0, against) the same."""
        return math.log2(self.m / self.u)


class Thresholds(_Strict):
    """Bits from which a pair that passes the guard is merged, or shown to a person."""

    auto: float = 3.0
    review: float = -2.0
    related: float = -8.0
    name_alone: float = 6.0
    automatic: bool = True


class Model(_Strict):
    """A version of the model, whole. `weights` has the levels of each comparison in their order."""

    version: str = Field(max_length=60)
    pairs_per_record: float = Field(gt=0, le=10)
    largest_cluster: int = Field(ge=2, le=1000)
    rarest_bits: float = Field(gt=0, le=40)
    thresholds: Thresholds = Thresholds()
    weights: dict[str, tuple[LevelWeight, ...]]

    @model_validator(mode="after")
    def _knows_every_level(self) -> Model:
        for comparison in COMPARISONS:
            wanted = [level.name for level in comparison.levels] + ["differs"]
            found = [weight.name for weight in self.weights.get(comparison.name, ())]
            if found != wanted:
                raise ValueError(f"{comparison.name}: levels are {wanted}, the model has {found}")
        return self

    def prior(self, band: int) -> float:
        """Bits before anything is compared, for up to 2^band records."""
        return math.log2(self.pairs_per_record) + 1 - band

    def name_alone(self, band: int) -> float:
        """Bits of a usual name, and nothing else, among so many records."""
        usual = [self.weights[name][0].bits for name in ("first", "last")]
        return self.prior(band) + sum(usual)

    def bits_sql(self) -> str:
        """Sum of the evidence of digits `d_<comparison>`, rarity of names included."""
        return " + ".join(self._case(comparison.name) for comparison in COMPARISONS)

    def _case(self, name: str) -> str:
        comparison = next(item for item in COMPARISONS if item.name == name)
        weights = {weight.name: weight for weight in self.weights[name]}
        cases = []
        for level in comparison.levels:
            weight = weights[level.name]
            bits = f"{weight.bits:.4f}"
            if level.frequency:
                bits = f"{math.log2(weight.m):.4f} + {level.frequency}"
            cases.append(f"WHEN {level.digit} THEN {bits}")
        cases.append(f"WHEN 1 THEN {weights['differs'].bits:.4f}")
        return f"(CASE d_{name} {' '.join(cases)} ELSE 0 END)"


def band_of(records: int) -> int:
    """The N-band: the least power of two that is not below the number of records."""
    return max(records - 1, 0).bit_length()


def load_model(version: str = CURRENT) -> Model:
    """A model that ships with the package."""
    folder = resources.files("bulk_lookup_dagster.matching") / "models"
    return Model.model_validate_json((folder / f"{version}.json").read_text())
