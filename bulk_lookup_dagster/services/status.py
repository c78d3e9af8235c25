"""How the platform stands: work, money, providers, unknown outcomes, what waits for a person.

Belongs here: reads for `status`, pages and metrics; a fixed number of queries. Does not: figures
of the marts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]

_UPLOADS = "SELECT state, count(*) FROM intake.uploads GROUP BY state"
_BATCHES = "SELECT state, count(*) FROM intake.batches GROUP BY state"
_CLAIMS = "SELECT provider, state, count(*) FROM ledger.claims GROUP BY provider, state"
_PLANS = """
    SELECT p.plan_id, p.state, p.kind, p.upload_id, (p.estimate ->> 'due')::bigint,
           (p.estimate ->> 'max_micros')::bigint, p.cap_micros, b.spent_micros, b.reserved_micros
      FROM ledger.plans p
      LEFT JOIN ledger.budgets b ON b.scope = 'plan' AND b.key = p.plan_id::text
     WHERE p.state IN ('waiting_approval', 'approved') ORDER BY p.plan_id DESC LIMIT 50
"""
_PLAN_FIELDS = (
    *("plan_id", "state", "kind", "upload_id", "due", "max_micros", "cap_micros"),
    *("spent_micros", "reserved_micros"),
)
_UNKNOWN = """
    SELECT provider, count(*), coalesce(sum(cost_micros), 0)::bigint FROM ledger.claims
     WHERE state = 'unknown_outcome' GROUP BY provider
"""
_DAY = """
    SELECT key, spent_micros, reserved_micros, cap_micros FROM ledger.budgets
     WHERE scope = 'day' ORDER BY key DESC LIMIT 1
"""
_PROVIDERS = """
    SELECT provider, state, reason FROM ops.provider_states
     WHERE state <> 'active' AND (until IS NULL OR until > now())
"""
_CIRCUITS = """
    SELECT key, state, opened_at FROM ops.breakers WHERE state <> 'closed' ORDER BY key
     LIMIT 50
"""
_RUNNING = """
    SELECT r.run_id, r.plan_id, r.batch_id, r.started_at,
           extract(epoch FROM now() - r.started_at)::float8 AS seconds,
           count(c.claim_id) FILTER (WHERE c.state <> 'claimed') AS done,
           coalesce((SELECT sum((l ->> 'due')::bigint)
                       FROM jsonb_array_elements(p.estimate -> 'lines') l
                      WHERE coalesce(l ->> 'step', r.step) = r.step), 0)::bigint AS planned
      FROM ledger.runs r JOIN ledger.plans p USING (plan_id)
      LEFT JOIN ledger.claims c ON c.run_id = r.run_id
     WHERE r.finished_at IS NULL AND EXISTS (
           SELECT FROM ledger.claims o WHERE o.run_id = r.run_id AND o.state = 'claimed')
     GROUP BY r.run_id, p.plan_id ORDER BY r.run_id DESC LIMIT 20
"""
_QUARANTINE = "SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL"


@dataclass(frozen=True, slots=True)
class Running:
    """A run with claims on the wire; `eta_s` None until something is done."""

    run_id: int
    plan_id: int
    batch_id: int | None
    seconds: float
    done: int
    planned: int
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class Circuit:
    """An endpoint that is not asked freely: open, or half-open while one probe tries it."""

    provider: str
    endpoint: str
    state: str
    opened_at: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """Everything `bulk-lookup status` shows; money in micro-dollars."""

    uploads: dict[str, int]
    batches: dict[str, int]
    claims: dict[str, dict[str, int]]
    plans: list[dict[str, Any]]
    running: list[Running]
    unknown: dict[str, dict[str, int]]
    today: dict[str, Any]
    stopped_providers: dict[str, str]
    circuits: list[Circuit]
    quarantined: int

    def as_json(self) -> dict[str, Any]:
        """A JSON-ready document."""
        return asdict(self)


def platform_status(conn: Connection) -> Status:
    """The platform as it stands now."""
    claims: dict[str, dict[str, int]] = {}
    for provider, state, count in conn.execute(_CLAIMS).fetchall():
        claims.setdefault(provider, {})[state] = count
    day = conn.execute(_DAY).fetchone() or (None, 0, 0, None)
    (quarantined,) = conn.execute(_QUARANTINE).fetchall()[0]
    return Status(
        uploads=dict(conn.execute(_UPLOADS).fetchall()),
        batches=dict(conn.execute(_BATCHES).fetchall()),
        claims=claims,
        plans=[
            dict(zip(_PLAN_FIELDS, row, strict=True)) for row in conn.execute(_PLANS).fetchall()
        ],
        running=[_running(row) for row in conn.execute(_RUNNING).fetchall()],
        unknown={
            provider: {"count": count, "held_micros": held}
            for provider, count, held in conn.execute(_UNKNOWN).fetchall()
        },
        today=dict(zip(("day", "spent_micros", "reserved_micros", "cap_micros"), day, strict=True)),
        stopped_providers={row[0]: f"{row[1]}: {row[2]}" for row in conn.execute(_PROVIDERS)},
        circuits=[_circuit(*row) for row in conn.execute(_CIRCUITS).fetchall()],
        quarantined=quarantined,
    )


def _circuit(key: str, state: str, opened_at: datetime | None) -> Circuit:
    provider, _, endpoint = key.partition("/")
    return Circuit(provider, endpoint, state, opened_at)


def _running(row: tuple[Any, ...]) -> Running:
    run_id, plan_id, batch_id, _, seconds, done, planned = row
    eta = None if not done else max(0.0, (planned - done) * seconds / done)
    return Running(run_id, plan_id, batch_id, seconds, done, planned, eta)
