"""Settings of the checks: when one blocks, and how far a batch may differ from earlier ones.

Belongs here: fields with their meaning, bounds and defaults. Does not: judging (`core.drift`).
"""

from __future__ import annotations

from pydantic import Field, model_validator

from bulk_lookup_dagster.core.document import Document


class HistorySettings(Document):
    """How far a batch may differ from the batches of its source published before it."""

    batches: int = Field(default=10, ge=1, le=100, description="Published batches looked at.")
    minimum_batches: int = Field(
        default=5, ge=1, le=100, description="With fewer nothing is judged and the check passes."
    )
    max_reject_move: float = Field(
        default=0.1, ge=0, le=1, description="Refused rows: most its share may be off the mean."
    )
    max_type_move: float = Field(
        default=0.15, ge=0, le=1, description="Each type of number or line: likewise."
    )
    max_unknown_move: float = Field(
        default=0.02, ge=0, le=1, description="Unknown outcomes: likewise."
    )
    blocks: bool = Field(
        default=False, description="On: such a batch is held back; off: a warning."
    )

    @model_validator(mode="after")
    def _reachable(self) -> HistorySettings:
        if self.minimum_batches > self.batches:
            raise ValueError("minimum_batches is more than the batches looked at")
        return self


class CheckSettings(Document):
    """When a check blocks."""

    max_quarantine_share: float = Field(
        default=0.01, ge=0, le=1, description="Rows that break a rule, of all rows of a stage."
    )
    max_unknown_share: float = Field(
        default=0.05, ge=0, le=1, description="Questions with unknown outcome, of all asked."
    )
    history: HistorySettings = Field(
        default=HistorySettings(), description="Against earlier batches of the source."
    )
