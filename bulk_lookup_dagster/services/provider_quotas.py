"""What vendors told of their allowances, remembered between two looks.

Belongs here: writing `ops.provider_quotas`. Does not: asking (`services.provider_health`), when it
is a warning (`mart_provider_quota`).
"""

from __future__ import annotations

from typing import Any

import psycopg

from resources.vendor import Quota

# Prepaid credits have no allowance but the purchase: they rise by one. A tenth tells it from
# credits that came back.
_STORE = """
    INSERT INTO ops.provider_quotas AS q
           (provider, unit, allowance, remaining, resets_at, told_at)
    VALUES (%(provider)s, %(unit)s, coalesce(%(allowance)s, %(remaining)s), %(remaining)s,
            %(resets_at)s, clock_timestamp())
    ON CONFLICT (provider) DO UPDATE
       SET unit = EXCLUDED.unit, remaining = EXCLUDED.remaining,
           resets_at = EXCLUDED.resets_at, told_at = EXCLUDED.told_at,
           allowance = CASE
               WHEN %(allowance)s::bigint IS NOT NULL THEN %(allowance)s
               WHEN EXCLUDED.remaining > q.remaining + q.allowance / 10 THEN EXCLUDED.remaining
               ELSE greatest(q.allowance, EXCLUDED.remaining)
           END
"""


def store_quota(conn: psycopg.Connection[Any], provider: str, quota: Quota) -> None:
    """Remember what a provider told last."""
    values = {
        "provider": provider,
        "unit": quota.unit,
        "allowance": quota.allowance,
        "remaining": quota.remaining,
        "resets_at": quota.resets_at,
    }
    conn.execute(_STORE, values)
