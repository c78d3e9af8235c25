"""The answers and questions of one step about one batch as frames, for checks.

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


def answers_of_partition(
    platform: Platform,
    partition_key: str,
    step: StepDefinition,
    columns: Sequence[str],
    numbers: Sequence[str] = (),
) -> pd.DataFrame:
    """A step's newest answers about a batch: what all have, and `columns`; `numbers` as floats."""
    query = _ANSWERS.format(
        key=", ".join(KEY),
        columns=", ".join((*SHARED, *columns)),
        table=step.table,
        subjects=_subjects(step),
    )
    frame = _frame(platform, partition_key, query, step)
    return frame.astype({"subject_id": "int64", **dict.fromkeys(numbers, "float64")})


def questions_of_partition(
    platform: Platform, partition_key: str, step: StepDefinition
) -> pd.DataFrame:
    """Every question a step asked about a batch: provider, operation, state, outcome."""
    query = _QUESTIONS.format(subjects=_subjects(step))
    return _frame(platform, partition_key, query, step)


def _subjects(step: StepDefinition) -> str:
    return subjects_sql("batch", step.subject_kind, None)


def _frame(platform: Platform, key: str, query: str, step: StepDefinition) -> pd.DataFrame:
    import pandas as pd

    with connect(platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        values: dict[str, Any] = {
            "batch_id": find_batch(conn, key).batch_id,
            "providers": [offer.provider for offer in step.offers],
            "operations": [offer.operation for offer in step.offers],
        }
        cursor: psycopg.Cursor[Any] = conn.execute(query.encode(), values)
        names = [column.name for column in cursor.description or ()]
        return pd.DataFrame(cursor.fetchall(), columns=names, dtype="object")
