"""The answers and questions of one request for a ZIP code as frames, for checks.

Belongs here: reading what its schema and expectations describe. Does not: rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from bulk_lookup_dagster.schemas.answers import SHARED
from bulk_lookup_dagster.schemas.zipcode_businesses import NUMBERS
from bulk_lookup_dagster.services.discovery import request_subject
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage.database import connect

if TYPE_CHECKING:
    import pandas as pd

_ANSWERS = f"""
    SELECT {", ".join(SHARED)}, encode(params_hash, 'hex') AS question, {", ".join(NUMBERS)}
      FROM enrichment.zipcode_businesses WHERE subject_id = %s
"""
_QUESTIONS = """
    SELECT DISTINCT ON (provider, operation, params_hash) provider, operation, state, outcome
      FROM ledger.claims WHERE subject_id = %s
     ORDER BY provider, operation, params_hash, epoch DESC
"""


def answers_of_request(platform: Platform, partition_key: str) -> pd.DataFrame:
    """Every page a request got."""
    frame = _frame(platform, partition_key, _ANSWERS)
    return frame.astype({"subject_id": "int64", **dict.fromkeys(NUMBERS, "float64")})


def questions_of_request(platform: Platform, partition_key: str) -> pd.DataFrame:
    """Every question a request asked: provider, operation, state, outcome."""
    return _frame(platform, partition_key, _QUESTIONS)


def _frame(platform: Platform, partition_key: str, query: str) -> pd.DataFrame:
    import pandas as pd

    with connect(platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        subject_id = request_subject(conn, partition_key)
        cursor: psycopg.Cursor[Any] = conn.execute(query.encode(), (subject_id,))
        names = [column.name for column in cursor.description or ()]
        return pd.DataFrame(cursor.fetchall(), columns=names, dtype="object")
