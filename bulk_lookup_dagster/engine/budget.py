"""Hard caps: what is reserved and spent per plan, run, day and provider.

A claim reserves its operation's maximum list price in the statement that creates it (see
`engine.claims`); settling turns the reservation into what was billed (see `engine.settle`). A
CHECK on `ledger.budgets` makes a cap impossible to pass, whoever writes.

Belongs here: the rows and reading them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import psycopg

_KEYS = """
    (b.scope, b.key) IN (('plan', %(plan_key)s), ('run', %(run_key)s),
                         ('day', %(day_key)s), ('provider', %(provider_key)s))
"""
_FREE = f"""
    SELECT min(b.cap_micros - b.reserved_micros - b.spent_micros + b.overrun_micros)
      FROM ledger.budgets b WHERE {_KEYS}
"""  # a constant, not input
_TIGHTEST = f"""
    SELECT b.scope, b.cap_micros, b.reserved_micros
      FROM ledger.budgets b
     WHERE b.cap_micros IS NOT NULL AND {_KEYS}
     ORDER BY b.cap_micros - b.reserved_micros - b.spent_micros + b.overrun_micros LIMIT 1
"""  # a constant, not input
_SET = """
    INSERT INTO ledger.budgets AS b (scope, key, cap_micros) VALUES (%s, %s, %s)
    ON CONFLICT (scope, key) DO UPDATE SET cap_micros = EXCLUDED.cap_micros
     WHERE b.cap_micros IS DISTINCT FROM EXCLUDED.cap_micros
       AND (EXCLUDED.cap_micros IS NULL OR b.reserved_micros + b.spent_micros - b.overrun_micros
            <= EXCLUDED.cap_micros)
"""
_LOWER = """
    UPDATE ledger.budgets
       SET cap_micros = reserved_micros + spent_micros - overrun_micros
     WHERE scope = %s AND key = %s
       AND reserved_micros + spent_micros - overrun_micros > %s
       AND cap_micros IS DISTINCT FROM reserved_micros + spent_micros - overrun_micros
"""


def provider_key(provider: str, day: date) -> str:
    """Key of a provider's budget of one business day."""
    return f"{provider}:{day.isoformat()}"


async def set_cap(
    conn: psycopg.AsyncConnection, scope: str, key: str, cap_micros: int | None
) -> None:
    """Create a budget or move its cap; a cap below what is already spent stops at that."""
    await conn.execute(_SET, (scope, key, cap_micros))
    if cap_micros is not None:
        await conn.execute(_LOWER, (scope, key, cap_micros))


async def free_micros(conn: psycopg.AsyncConnection, keys: Mapping[str, Any]) -> int:
    """What may still be reserved under the tightest cap; never below 0."""
    row = await (await conn.execute(_FREE, keys)).fetchone()
    return max(0, row[0]) if row and row[0] is not None else 0


async def tightest(
    conn: psycopg.AsyncConnection, keys: Mapping[str, Any]
) -> tuple[str, int, int] | None:
    """Scope, cap and reserved amount of the cap nearest to its end; None without caps."""
    row = await (await conn.execute(_TIGHTEST, keys)).fetchone()
    return (row[0], row[1], row[2]) if row else None
