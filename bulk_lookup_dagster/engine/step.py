"""A step: which subjects it is about, what it asks of whom, and which table holds the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Waterfall:
    """How the positions of a slot depend on each other (see `engine.waterfall`).

    `confidence_column` names the result table's column that `minimum_confidence` is compared
    with, or None. `holdout_percent` of the subjects are asked of the second position too.
    """

    confidence_column: str | None = None
    minimum_confidence: int = 0
    holdout_percent: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One enrichment stage.

    `questions_sql` is a SELECT that yields one row per question worth asking, whether or not it was
    asked before: `subject_id, value, region, provider, operation, params (jsonb), params_hash`.
    With a `waterfall` it also yields `slot (text), position (smallint)`: of one subject and slot
    the next position is asked only where the ones before gave nothing usable.
    It refers to the parameters in a `Scope`. `table` is the result table, schema-qualified.
    Questions a provider is asked about one subject share a request, unless they stand `apart`.
    """

    name: str
    subject_kind: str
    table: str
    questions_sql: str
    waterfall: Waterfall | None = None
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of the data a run covers, as parameters of `Step.questions_sql`."""

    kind: str
    parameters: Mapping[str, Any]
