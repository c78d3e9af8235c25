"""Approving plans: by a person, or automatically where the cost is small enough.

Belongs here: the decision and its record. Does not: estimating (see `services.plans`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.money import format_usd, micros_from_usd
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.services.plans import Plan
from bulk_lookup_dagster.services.settings import load_settings

Connection = psycopg.Connection[Any]

POLICY = "policy: AUTO_APPROVE_USD"

_PLAN = "SELECT state, estimate, kind FROM ledger.plans WHERE plan_id = %s FOR UPDATE"
_APPROVE = """
    UPDATE ledger.plans
       SET state = 'approved', cap_micros = %(cap)s, approved_by = %(actor)s, approved_at = now(),
           expires_at = now() + %(days)s * interval '1 day'
     WHERE plan_id = %(plan_id)s
"""
_BUDGET = """
    INSERT INTO ledger.budgets AS b (scope, key, cap_micros) VALUES ('plan', %(key)s, %(cap)s)
    ON CONFLICT (scope, key) DO UPDATE
       SET cap_micros = greatest(EXCLUDED.cap_micros,
                                 b.reserved_micros + b.spent_micros - b.overrun_micros)
"""
_SUPERSEDE = """
    UPDATE ledger.plans p SET state = 'superseded', superseded_reason = %(reason)s
      FROM ledger.plans a
     WHERE a.plan_id = %(plan_id)s AND p.plan_id <> a.plan_id AND p.upload_id = a.upload_id
       AND p.kind = 'upload' AND a.kind = 'upload'
       AND p.state IN ('waiting_approval', 'approved')
"""


def auto_approve_limit(environment: Environment, settings: Settings) -> int | None:
    """Micro-dollars up to which a plan starts by itself; None = without limit."""
    usd = settings.spending.auto_approve_usd
    return environment.auto_approve_micros if usd is None else micros_from_usd(usd)


def approve_automatically(
    conn: Connection, plan: Plan, environment: Environment, settings: Settings
) -> bool:
    """Approve a plan whose greatest cost is within the policy; says whether it was."""
    limit = auto_approve_limit(environment, settings)
    if limit is not None and plan.max_micros > limit:
        return False
    approve_plan(conn, plan.plan_id, actor=POLICY)
    return True


def approve_plan(
    conn: Connection, plan_id: int, *, actor: str, cap_micros: int | None = None
) -> Mapping[str, Any]:
    """Approve a plan with a hard cap, by default the most it can cost.

    Approving an approved plan again moves its cap. Other plans of the same upload give way.
    """
    with conn.transaction():
        row = conn.execute(_PLAN, (plan_id,)).fetchone()
        if row is None:
            raise InputError(
                f"There is no plan {plan_id}.", fix="Make one: bulk-lookup plan UPLOAD."
            )
        state, estimate, _ = row
        if state in ("cancelled", "superseded"):
            raise InputError(
                f"Plan {plan_id} is {state} and cannot be approved.",
                fix="Make a new one: bulk-lookup plan UPLOAD.",
            )
        cap = estimate.get("max_micros", 0) if cap_micros is None else cap_micros
        days = load_settings(conn).spending.plan_expiry_days
        values = {"plan_id": plan_id, "cap": cap, "actor": actor, "days": days}
        conn.execute(_APPROVE, values)
        conn.execute(_BUDGET, {"key": str(plan_id), "cap": cap})
        conn.execute(_SUPERSEDE, {"plan_id": plan_id, "reason": f"plan {plan_id} was approved"})
        conn.execute(
            "INSERT INTO ops.audit (actor, action, object, detail)"
            " VALUES (%s, 'plan.approved', %s, jsonb_build_object('cap_micros', %s::bigint))",
            (actor, f"plan {plan_id}", cap),
        )
    return {"plan_id": plan_id, "state": "approved", "cap_micros": cap, "cap": format_usd(cap)}
