"""The look-ups of a batch as frames, for checks.

Belongs here: reading what `schemas.phone_lookups` and its expectations describe. Does not: rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from bulk_lookup_dagster.schemas.phone_lookups import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

_SUBJECTS = """
    SELECT DISTINCT c.phone_subject_id FROM intake.upload_contacts r
      JOIN intake.contacts c USING (contact_id) WHERE r.batch_id = %s
"""
_ANSWERS = f"""
    SELECT DISTINCT ON (subject_id, operation) {", ".join(COLUMNS)}
      FROM enrichment.phone_lookups WHERE subject_id IN ({_SUBJECTS})
     ORDER BY subject_id, operation, fetched_at DESC
"""
_QUESTIONS = f"""
    SELECT DISTINCT ON (provider, operation, subject_id, params_hash) operation, state, outcome
      FROM ledger.claims WHERE subject_id IN ({_SUBJECTS})
     ORDER BY provider, operation, subject_id, params_hash, epoch DESC
"""


def answers_frame(conn: psycopg.Connection[Any], batch_id: int) -> pd.DataFrame:
    """Every answer about a batch's numbers, as `schemas.phone_lookups` describes it."""
    frame = _frame(conn, _ANSWERS, batch_id)
    return frame.astype({"subject_id": "int64", "sms_pumping_risk_score": "float64"})


def questions_frame(conn: psycopg.Connection[Any], batch_id: int) -> pd.DataFrame:
    """Every question asked about a batch's numbers: operation, state, outcome."""
    return _frame(conn, _QUESTIONS, batch_id)


def _frame(conn: psycopg.Connection[Any], query: str, batch_id: int) -> pd.DataFrame:
    import pandas as pd

    cursor = conn.execute(query.encode(), [batch_id])
    names = [column.name for column in cursor.description or ()]
    return pd.DataFrame(cursor.fetchall(), columns=names, dtype="object")
