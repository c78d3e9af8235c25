"""Providers that may not be asked: paused by a person, stopped by a failure, for every process.

Belongs here: reading and writing `ops.provider_states`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg

from bulk_lookup_dagster.core.errors import ProviderError

_READ = """
    SELECT provider, state, reason FROM ops.provider_states
     WHERE state <> 'active' AND (until IS NULL OR until > now())
"""
_READ_ONE = """
    SELECT state, reason, until FROM ops.provider_states
     WHERE provider = %s AND state <> 'active' AND (until IS NULL OR until > now())
"""
_STOP = """
    INSERT INTO ops.provider_states (provider, state, reason, until, changed_by)
    VALUES (%(provider)s, 'stopped', %(reason)s, %(until)s, 'engine')
    ON CONFLICT (provider) DO UPDATE
       SET state = 'stopped', reason = EXCLUDED.reason, until = EXCLUDED.until,
           changed_by = 'engine', changed_at = now()
     WHERE ops.provider_states.state <> 'paused'
"""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a provider may not be asked: `paused` or `stopped`; `until` None: until a person acts."""

    state: str
    reason: str
    until: datetime | None


async def stop_of(conn: psycopg.AsyncConnection, provider: str) -> Stop | None:
    """What keeps one provider from being asked now, None where nothing does."""
    row = await (await conn.execute(_READ_ONE, (provider,))).fetchone()
    return None if row is None else Stop(*row)


async def stopped_providers(conn: psycopg.AsyncConnection) -> dict[str, str]:
    """Reason by provider, of all that may not be asked now."""
    cursor = await conn.execute(_READ)
    return {row[0]: f"{row[1]}: {row[2]}" for row in await cursor.fetchall()}


async def stop_provider(conn: psycopg.AsyncConnection, provider: str, error: ProviderError) -> None:
    """Stop a provider for everyone, until `error.until` or until a person resumes it."""
    reason = f"{error.code}: {error.message}"[:500]
    await conn.execute(_STOP, {"provider": provider, "reason": reason, "until": error.until})
