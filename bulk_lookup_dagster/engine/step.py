"""A step: which subjects it is about, what it asks of whom, and which table holds the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One enrichment stage.

    `questions_sql` is a SELECT that yields one row per question worth asking, whether or not it was
    asked before: `subject_id, value, region, provider, operation, params (jsonb), params_hash`.
    It refers to the parameters in a `Scope`. `table` is the result table, schema-qualified.
    """

    name: str
    subject_kind: str
    table: str
    questions_sql: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of the data a run covers, as parameters of `Step.questions_sql`."""

    kind: str
    parameters: Mapping[str, Any]
