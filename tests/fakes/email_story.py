"""Contacts with companies, names and addresses, taken through the e-mail steps against the sandbox.

Belongs here: what the tests of those steps share. Does not: what must come of it (the tests).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.core.variables import VARIABLES
from bulk_lookup_dagster.engine.options import ProviderLimits, RunOptions, RunReport
from bulk_lookup_dagster.engine.provider import Disabled
from bulk_lookup_dagster.engine.runner import run_step
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import vendor_settings
from bulk_lookup_dagster.services.steps import Offer, StepDefinition
from bulk_lookup_dagster.services.steps.scopes import upload_scope
from bulk_lookup_dagster.services.subjects import derive
from bulk_lookup_dagster.services.uploads import load_upload
from resources.registry import VENDORS
from resources.vendor import Client
from tests.fakes.ledger import add_plan
from tests.fakes.sandbox import SandboxProcess

HEAD = "phone,first name,last name,company,email,website,zip,country"
_SANDBOX = {variable.name: variable.sandbox for variable in VARIABLES}
VENDORS_ASKED = ("twilio_lookup", "zerobounce", "hunter", "pdl", "clearbit", "local")


def rows_of_every_kind(each: int) -> list[str]:
    """People at a domain, at a company of a name, behind an address alone, with an address."""
    rows = []
    for n in range(each):
        rows += [
            f"Ada,Brook,,,https://firm-{n}.example,,",
            f"Zoë,Müller,Beacon Dental {n},,,895{n % 90:02d},US",
            f",,,ben.castle@post-{n}.example,,,",
            f"Dev,Ember,,dev.ember@works-{n}.example,,,",
        ]
    return rows


@dataclass
class EmailStory:
    """One upload and who is asked about it."""

    conn: psycopg.Connection[Any]
    platform: Platform
    sandbox: SandboxProcess
    upload_id: int = 0
    plan_id: int = 0
    reports: dict[str, RunReport] = field(default_factory=dict)

    def load(self, rows: Sequence[str], path: Path) -> None:
        """Take contacts in, each with a number of its own, and approve a plan."""
        lines = [f"415-22{n // 1000}-{n % 1000 + 1000:04d},{row}" for n, row in enumerate(rows)]
        path.write_text("\n".join((HEAD, *lines)) + "\n")
        upload = load_upload(self.platform.dsn, self.platform.secret_key, path)
        self.upload_id = upload.upload_id
        operations = {name for entry in VENDORS for name in entry.operations}
        prices = dict.fromkeys(operations, 1_000)
        self.plan_id = add_plan(self.conn, prices=prices, providers=VENDORS_ASKED)

    def run(self, step: StepDefinition, *operations: str) -> RunReport:
        """Derive the step's subjects, then ask everybody it may ask."""
        scope = upload_scope(self.upload_id)
        if step.derivation is not None:
            derive(self.conn, self.platform.secret_key, step.derivation, scope)
        offers = [one for one in step.offers if not operations or one.operation in operations]
        return asyncio.run(self._run(step, offers))

    async def _run(self, step: StepDefinition, offers: Sequence[Offer]) -> RunReport:
        scope = upload_scope(self.upload_id)
        async with AsyncExitStack() as stack:
            names = {one.provider for one in offers}
            providers = {name: await stack.enter_async_context(self.client(name)) for name in names}
            options = RunOptions(
                home=self.platform.environment.home,
                limits=dict.fromkeys(names, ProviderLimits(concurrency=10)),
                patience=timedelta(seconds=20),
            )
            report = await run_step(
                self.platform.dsn,
                step.as_step(offers, scope.kind),
                scope,
                providers,
                plan_id=self.plan_id,
                run=options,
            )
        self.reports[step.name] = report
        return report

    def client(self, name: str) -> Client:
        """A vendor's client, at the sandbox."""
        entry = next(one for one in VENDORS if one.name == name)
        block = vendor_settings(Settings(), name)
        credentials = {key: _SANDBOX[variable] for key, variable in entry.variables.items()}
        made = entry.make(credentials, f"{self.sandbox.url}/{name}", block)
        assert not isinstance(made, Disabled)
        return made

    def hurry(self) -> None:
        """What vendors have accepted may be polled at once."""
        self.conn.execute("UPDATE ledger.claims SET next_poll_at = now() WHERE state = 'accepted'")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.conn.execute(query.encode()).fetchall()
