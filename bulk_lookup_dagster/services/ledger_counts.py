"""What one Dagster run added to the ledger, over all its steps.

Belongs here: counting by run. Does not: figures of the marts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from bulk_lookup_dagster.core.money import format_usd

_COUNTS = """
    WITH mine AS (SELECT run_id FROM ledger.runs WHERE dagster_run_id = %(run)s)
    SELECT (SELECT count(*) FROM ledger.claims JOIN mine USING (run_id)),
           (SELECT count(*) FROM ledger.requests JOIN mine USING (run_id)),
           (SELECT coalesce(sum(cost_micros), 0)::bigint
              FROM ledger.requests JOIN mine USING (run_id)),
           (SELECT count(*) FROM ops.quarantine q JOIN ledger.claims c USING (claim_id)
              JOIN mine USING (run_id) WHERE q.resolved_at IS NULL)
"""


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """Rows added; `cost` in dollars, written out."""

    claims: int
    requests: int
    cost: str
    quarantined: int


def count_run(conn: psycopg.Connection[Any], dagster_run_id: str) -> LedgerCounts:
    """What a Dagster run's engine runs claimed, sent, spent and could not store."""
    claims, requests, micros, refused = conn.execute(_COUNTS, {"run": dagster_run_id}).fetchall()[0]
    return LedgerCounts(claims, requests, format_usd(micros), refused)
