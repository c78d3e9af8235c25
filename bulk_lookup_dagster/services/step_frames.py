"""The answers and questions of one step as frames, for checks: about one batch, or all of them.

Belongs here: reading what a step's schema and expectations describe. Does not: rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import psycopg

from bulk_lookup_dagster.schemas.answers import KEY, SHARED
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.runs import find_batch
from bulk_lookup_dagster.services.steps import StepDefinition
from bulk_lookup_dagster.services.steps.scopes import subjects_sql
from bulk_lookup_dagster.storage.database import connect

if TYPE_CHECKING:
    import pandas as pd

_ANSWERS = """
    SELECT DISTINCT ON ({key}) {columns} FROM {table} WHERE subject_id IN ({subjects})
     ORDER BY {key}, fetched_at DESC
"""
_QUESTIONS = """
    SELECT DISTINCT ON (provider, operation, subject_id, params_hash)
           provider, operation, state, outcome
      FROM ledger.claims
     WHERE subject_id IN ({subjects})
       AND (provider, operation) IN (
           SELECT * FROM unnest(%(providers)s::text[], %(operations)s::text[]))
     ORDER BY provider, operation, subject_id, params_hash, epoch DESC
"""

_EVERY = "SELECT subject_id FROM intake.subjects WHERE kind = %(kind)s"


def answers_of_partition(
    platform: Platform,
    partition_key: str,
    step: StepDefinition,
    columns: Sequence[str],
    numbers: Sequence[str] = (),
) -> pd.DataFrame:
    """A step's newest answers about a batch: what all have, and `columns`; `numbers` as floats."""
    return _answers(platform, step, columns, numbers, partition_key)


def questions_of_partition(
    platform: Platform, partition_key: str, step: StepDefinition
) -> pd.DataFrame:
    """Every question a step asked about a batch: provider, operation, state, outcome."""
    query = _QUESTIONS.format(subjects=_subjects(step))
    return _frame(platform, partition_key, query, step)


def all_answers(
    platform: Platform,
    step: StepDefinition,
    columns: Sequence[str],
    numbers: Sequence[str] = (),
) -> pd.DataFrame:
    """The same about every subject of a step that no upload leads to."""
    return _answers(platform, step, columns, numbers, None)


def all_questions(platform: Platform, step: StepDefinition) -> pd.DataFrame:
    """Every question such a step asked."""
    return _frame(platform, None, _QUESTIONS.format(subjects=_EVERY), step)


def _answers(
    platform: Platform,
    step: StepDefinition,
    columns: Sequence[str],
    numbers: Sequence[str],
    key: str | None,
) -> pd.DataFrame:
    query = _ANSWERS.format(
        key=", ".join(KEY),
        columns=", ".join((*SHARED, *columns)),
        table=step.table,
        subjects=_EVERY if key is None else _subjects(step),
    )
    frame = _frame(platform, key, query, step)
    return frame.astype({"subject_id": "int64", **dict.fromkeys(numbers, "float64")})


def _subjects(step: StepDefinition) -> str:
    return subjects_sql("batch", step.subject_kind, None)


def _frame(platform: Platform, key: str | None, query: str, step: StepDefinition) -> pd.DataFrame:
    import pandas as pd

    with connect(platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        values: dict[str, Any] = {
            "batch_id": None if key is None else find_batch(conn, key).batch_id,
            "kind": step.subject_kind,
            "providers": [offer.provider for offer in step.offers],
            "operations": [offer.operation for offer in step.offers],
        }
        cursor: psycopg.Cursor[Any] = conn.execute(query.encode(), values)
        names = [column.name for column in cursor.description or ()]
        return pd.DataFrame(cursor.fetchall(), columns=names, dtype="object")
