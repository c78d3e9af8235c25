"""What a person may do to paid work: clear unknown outcomes, pause and resume a provider.

Every action leaves an audit row. Belongs here: the statements. Does not: commands and pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import InputError

Connection = psycopg.Connection[Any]

_LIST = """
    SELECT claim_id, provider, operation, subject_id, attempt, cost_micros, error_class,
           error_code, settled_at
      FROM ledger.claims
     WHERE state = 'unknown_outcome' AND claim_id > %s
       AND (%s::text IS NULL OR provider = %s)
     ORDER BY claim_id LIMIT %s
"""
_MOVE = """
    UPDATE ledger.claims SET state = %(state)s::varchar, settled_at = clock_timestamp(),
           retry_at = CASE WHEN %(state)s::varchar = 'failed' THEN clock_timestamp() END
     WHERE state = 'unknown_outcome'
       AND (%(claims)s::bigint[] IS NULL OR claim_id = ANY (%(claims)s::bigint[]))
       AND (%(provider)s::text IS NULL OR provider = %(provider)s)
"""
_SET_PROVIDER = """
    INSERT INTO ops.provider_states (provider, state, reason, changed_by)
    VALUES (%(provider)s, %(state)s, %(reason)s, %(actor)s)
    ON CONFLICT (provider) DO UPDATE
       SET state = EXCLUDED.state, reason = EXCLUDED.reason, until = NULL,
           changed_by = EXCLUDED.changed_by, changed_at = now()
"""
_RESET_CIRCUITS = """
    UPDATE ops.breakers SET state = 'closed', calls = 0, failures = 0, opened_at = NULL,
           probe_at = NULL, probe_worker_id = NULL, window_started_at = now()
     WHERE starts_with(key, %s || '/')
"""


@dataclass(frozen=True, slots=True)
class UnknownClaim:
    """A claim whose request was written and whose answer was never read.

    `held_micros` counts as spent until the outcome is known.
    """

    claim_id: int
    provider: str
    operation: str
    subject_id: int
    attempt: int
    held_micros: int
    error_class: str | None
    error_code: str | None
    since: datetime


def list_unknowns(
    conn: Connection, *, provider: str | None = None, after: int = 0, limit: int = 100
) -> list[UnknownClaim]:
    """A page of claims with unknown outcome, by claim id; go on with the last id as `after`."""
    rows = conn.execute(_LIST, (after, provider, provider, limit)).fetchall()
    return [UnknownClaim(*row) for row in rows]


def ask_again(
    conn: Connection,
    *,
    actor: str,
    claim_ids: Sequence[int] | None = None,
    provider: str | None = None,
) -> int:
    """Make unknown claims due again, knowing that they may have been billed; returns how many.

    What was held stays spent: the vendor may bill both. Without ids, all (of a provider).
    """
    return _move(conn, "failed", "unknowns.ask_again", actor, claim_ids, provider)


def write_off(
    conn: Connection,
    *,
    actor: str,
    claim_ids: Sequence[int] | None = None,
    provider: str | None = None,
) -> int:
    """Give unknown claims up: never asked again, their held amount stays spent; counts them."""
    return _move(conn, "written_off", "unknowns.write_off", actor, claim_ids, provider)


def _move(
    conn: Connection,
    state: str,
    action: str,
    actor: str,
    claim_ids: Sequence[int] | None,
    provider: str | None,
) -> int:
    claims = None if claim_ids is None else list(claim_ids)
    with conn.transaction():
        moved = conn.execute(
            _MOVE, {"state": state, "claims": claims, "provider": provider}
        ).rowcount
        if claims is not None and moved < len(set(claims)):
            raise InputError(
                f"{len(set(claims)) - moved} of {len(set(claims))} claims are not unknown.",
                fix="List them: bulk-lookup unknowns list.",
            )
        _audit(conn, actor, action, provider or "claims", f'{{"claims": {moved}}}')
    return moved


def pause_provider(conn: Connection, provider: str, *, actor: str, reason: str = "") -> None:
    """Nobody asks this provider until it is resumed; its work stays due."""
    _set_provider(conn, provider, "paused", actor, reason or "paused by a person")


def resume_provider(conn: Connection, provider: str, *, actor: str) -> None:
    """Lift a pause or a stop, and close the provider's circuits."""
    with conn.transaction():
        _set_provider(conn, provider, "active", actor, "resumed by a person")
        conn.execute(_RESET_CIRCUITS, (provider,))


def _set_provider(conn: Connection, provider: str, state: str, actor: str, reason: str) -> None:
    with conn.transaction():
        conn.execute(
            _SET_PROVIDER,
            {"provider": provider, "state": state, "reason": reason[:500], "actor": actor},
        )
        _audit(conn, actor, f"provider.{state}", provider, "{}")


def _audit(conn: Connection, actor: str, action: str, target: str, detail: str) -> None:
    conn.execute(
        "INSERT INTO ops.audit (actor, action, object, detail) VALUES (%s, %s, %s, %s::jsonb)",
        (actor, action, target, detail),
    )
