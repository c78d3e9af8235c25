"""Waterfalls: of a subject and slot, a position is asked only if those before gave nothing.

"Nothing" is an answer without usable data (none, invalid subject, not sure enough) or a permanent
failure. What a vendor could not be asked (paused, circuit open, no money) is never nothing: the
later positions wait for it, as they wait for a retry, an accepted question or an unknown outcome.

A holdout share of the subjects is asked of the second position as well, so that agreement can be
measured. A value that expired was bought: it still counts, because expiry never buys anew. Where a
person objected to being told of, nobody further is asked.

Belongs here: the SQL of it. Does not: a question's own standing (see `engine.due`).
"""

from __future__ import annotations

from typing import Any

from bulk_lookup_dagster.engine.step import Step

PARAMETERS = ("holdout_percent", "minimum_confidence")

NONE = """,
    standing AS (SELECT *, own AS standing FROM alone)
"""
_STANDING = """,
    weighed AS (
        SELECT a.*,
               coalesce(a.state = 'answered' AND (
                            a.outcome = 'data' AND a.stale IS NOT TRUE AND {sure}
                            OR a.outcome = 'objected'), false) AS useful,
               a.own NOT IN ('cached', 'failed') AND a.state IS DISTINCT FROM 'written_off' AS open,
               a.position <= 2 AND (hashint8extended(a.subject_id, 0) & 1048575) %% 100
                   < %(holdout_percent)s AS held_out
          FROM alone a {values}
    ),
    standing AS (
        SELECT *, CASE
                   WHEN own NOT IN ('new', 'retry', 'refresh', 'later') OR held_out THEN own
                   WHEN own = 'refresh' AND bool_or(useful) OVER earlier THEN 'served'
                   WHEN own <> 'refresh' AND bool_or(useful) OVER slot THEN 'served'
                   WHEN bool_or(open) OVER earlier THEN 'waiting'
                   ELSE own
               END AS standing
          FROM weighed
        WINDOW slot AS (PARTITION BY subject_id, slot),
               earlier AS (PARTITION BY subject_id, slot ORDER BY position
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    )
"""
_VALUES = """
          LEFT JOIN {table} v
            ON v.subject_id = a.subject_id AND v.provider = a.provider
               AND v.operation = a.operation AND v.params_hash = a.params_hash
               AND v.claim_id = a.claim_id
"""


def standing_sql(step: Step) -> str:
    """The CTE `standing`, over `alone`, in which each question stands by itself (`own`)."""
    if step.waterfall is None:
        return NONE
    column = step.waterfall.confidence_column
    if column is None or not step.waterfall.minimum_confidence:
        return _STANDING.replace("{sure}", "true").replace("{values}", "")
    sure = f"coalesce(v.{column} >= %(minimum_confidence)s, true)"
    values = _VALUES.replace("{table}", step.table)
    return _STANDING.replace("{sure}", sure).replace("{values}", values)


def parameters(step: Step) -> dict[str, Any]:
    """What `standing_sql` refers to."""
    if step.waterfall is None:
        return {}
    return {name: getattr(step.waterfall, name) for name in PARAMETERS}
