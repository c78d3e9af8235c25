"""One step against the sandbox: subjects by hand, the real definition, clients and engine.

Belongs here: set-up for tests of steps. Does not: plans and batches (`tests.services`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.core.variables import VARIABLES
from bulk_lookup_dagster.engine.options import RunOptions, RunReport
from bulk_lookup_dagster.engine.provider import Disabled
from bulk_lookup_dagster.engine.runner import run_step
from bulk_lookup_dagster.schemas.answers import SHARED
from bulk_lookup_dagster.services.prices import store_price_list
from bulk_lookup_dagster.services.providers import provider_limits, vendor_settings
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from bulk_lookup_dagster.services.steps.scopes import subjects_scope
from resources.registry import vendor
from resources.vendor import Client
from tests.fakes.sandbox import SandboxProcess

Connection = psycopg.Connection[Any]
_SANDBOX = {variable.name: variable.sandbox for variable in VARIABLES}

_SUBJECTS = """
    INSERT INTO intake.subjects (kind, value, value_hmac, region)
    SELECT k, v, sha256((k || v)::bytea), CASE WHEN k = 'phone' THEN 'US' END
      FROM (SELECT %(kind)s::text AS k, unnest(%(values)s::text[]) AS v) given
    RETURNING subject_id
"""
_PLAN = """
    INSERT INTO ledger.plans (state, kind, scope, estimate, price_list_version, approved_by,
                              approved_at, expires_at)
    VALUES ('approved', 'bench', '{}', '{}', %s, 'test', now(), now() + interval '7 days')
    RETURNING plan_id
"""


def add_subjects(conn: Connection, kind: str, values: Sequence[str]) -> list[int]:
    """Subjects of a kind; their ids in the order of `values`."""
    parameters = {"kind": kind, "values": list(values)}
    return [row[0] for row in conn.execute(_SUBJECTS, parameters).fetchall()]


def run_definition(
    conn: Connection,
    dsn: str,
    home: Path,
    definition: StepDefinition,
    subjects: Sequence[int],
    sandbox: SandboxProcess,
    settings: Mapping[str, Any] | None = None,
) -> RunReport:
    """Buy everything the step offers about `subjects`; prices are the registry's and settings'."""
    chosen = Settings.model_validate(settings or {})
    version = store_price_list(conn, chosen).version
    plan_id = conn.execute(_PLAN, (version,)).fetchall()[0][0]
    return asyncio.run(_run(dsn, home, definition, subjects, sandbox, chosen, plan_id))


async def _run(
    dsn: str,
    home: Path,
    definition: StepDefinition,
    subjects: Sequence[int],
    sandbox: SandboxProcess,
    settings: Settings,
    plan_id: int,
) -> RunReport:
    scope = subjects_scope(subjects)
    step = definition.as_step(definition.offers, scope.kind, settings.steps.step(definition.name))
    limits = {
        name: replace(one, requests_per_second=None)
        for name, one in provider_limits(settings).items()
    }
    options = RunOptions(home=home, limits=limits, patience=timedelta(seconds=1))
    async with AsyncExitStack() as stack:
        clients = {
            offer.provider: await stack.enter_async_context(client_of(offer, sandbox, settings))
            for offer in {one.provider: one for one in definition.offers}.values()
        }
        return await run_step(dsn, step, scope, clients, plan_id=plan_id, run=options)


def client_of(offer: Offer, sandbox: SandboxProcess, settings: Settings) -> Client:
    """The vendor's client, pointed at the sandbox with credentials it takes."""
    entry = vendor(offer.provider)
    given = {name: _SANDBOX[variable] for name, variable in entry.variables.items()}
    # The demo has no key for a private contract's adapter; any but `wrong` will do.
    credentials = dict.fromkeys(given, "sandbox") if entry.contract else given
    block = vendor_settings(settings, offer.provider)
    made = entry.make(credentials, f"{sandbox.url}/{offer.provider}", block, simulated=True)
    assert not isinstance(made, Disabled), made.reason
    return made


def check_schema(
    conn: Connection, schema: Any, columns: Sequence[str], numbers: Sequence[str]
) -> None:
    """Hold a whole table of answers against its schema, which must have these columns."""
    import pandas as pd

    names = [*SHARED, *columns]
    query = f"SELECT {', '.join(names)} FROM enrichment.{schema.name}"
    rows = conn.execute(query.encode()).fetchall()
    assert rows
    types = {"subject_id": "int64", **dict.fromkeys(numbers, "float64")}
    schema.validate(pd.DataFrame(rows, columns=names, dtype="object").astype(types), lazy=True)
    assert set(schema.columns) == set(names)
