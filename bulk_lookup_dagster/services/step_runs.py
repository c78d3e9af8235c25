"""The steps of one run: each when those it waits for are done, the others at the same time.

All steps of a run spend under one run budget and share the open clients. Belongs here: from plan
and settings to engine runs and their reports. Does not: what the engine does (`engine.runner`),
which plan is run (`services.runs`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.money import micros_from_usd
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.options import LeftOut, RunOptions, RunReport
from bulk_lookup_dagster.engine.provider import Provider
from bulk_lookup_dagster.engine.runner import run_step
from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.oauth_tokens import PostgresTokens
from bulk_lookup_dagster.services.objections import withdraw_objected
from bulk_lookup_dagster.services.obstacles import count_left_out, obstacles
from bulk_lookup_dagster.services.phone_book import PostgresPhoneBook
from bulk_lookup_dagster.services.plans import refresh_after
from bulk_lookup_dagster.services.providers import (
    ClientFactories,
    environment_clients,
    open_providers,
    provider_limits,
    within_account_limits,
)
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps import Offer, StepDefinition, step_named
from bulk_lookup_dagster.services.steps.graph import in_graph_order, upstream_of
from bulk_lookup_dagster.services.steps.scopes import count_rows
from bulk_lookup_dagster.services.steps.selection import (
    count_unsure,
    offers_of_plan,
    step_of_plan,
    why_skipped,
)
from bulk_lookup_dagster.services.subjects import derive
from bulk_lookup_dagster.storage.database import connect
from resources import hunter_records

Connection = psycopg.Connection[Any]
Progress = Callable[[RunReport], None]

_PLAN = "SELECT scope FROM ledger.plans WHERE plan_id = %s"
_ORDER = """
    INSERT INTO enrichment.waterfall_orders AS o (step, provider, operation, position)
    SELECT %s, u.* FROM unnest(%s::text[], %s::text[], %s::smallint[]) AS u
    ON CONFLICT (step, provider, operation) DO UPDATE SET position = EXCLUDED.position
     WHERE o.position <> EXCLUDED.position
"""


@dataclass(frozen=True, slots=True)
class Start:
    """What is run: a plan over a scope; `clients` makes the clients (None: the environment)."""

    plan_id: int
    scope: Scope
    kind: str
    batch_id: int | None = None
    dagster_run_id: str | None = None
    progress: Progress | None = None
    clients: ClientFactories | None = None


@dataclass(slots=True)
class RunReports:
    """What a run did, by step."""

    by_step: dict[str, RunReport] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """Requests sent to vendors."""
        return sum(one.requests for one in self.by_step.values())

    @property
    def spent_micros(self) -> int:
        """What all steps cost."""
        return sum(one.spent_micros for one in self.by_step.values())

    @property
    def stopped(self) -> dict[str, str]:
        """Providers not asked to the end, with the reason."""
        return {name: why for one in self.by_step.values() for name, why in one.stopped.items()}

    @property
    def left_due(self) -> Counter[str]:
        """Claims not asked, by reason."""
        return sum((one.left_due for one in self.by_step.values()), Counter[str]())

    @property
    def complete(self) -> bool:
        """Whether nothing stayed due, accepted or pending elsewhere in any step."""
        return all(one.complete for one in self.by_step.values())

    @property
    def run_ids(self) -> list[int]:
        """The engine runs it consists of."""
        return [one.run_id for one in self.by_step.values() if one.run_id]


def plan_scope(conn: Connection, plan_id: int) -> dict[str, Any]:
    """What a plan was made for; raises where there is none."""
    row = conn.execute(_PLAN, (plan_id,)).fetchone()
    if row is None:
        raise InputError(f"There is no plan {plan_id}.", fix="Make one: bulk-lookup plan UPLOAD.")
    document: dict[str, Any] = row[0]
    return document


async def run_steps(platform: Platform, start: Start) -> RunReports:
    """Every step of the plan, in graph order; independent ones overlap."""
    async with _prepared(platform, start) as work:
        steps = in_graph_order(work.document.get("steps", {}))
        tasks: dict[str, asyncio.Task[RunReport]] = {}
        for step in steps:
            before = [tasks[name] for name in upstream_of(step, tasks)]
            tasks[step.name] = asyncio.create_task(_after(before, work, step))
        try:
            reports = await asyncio.gather(*tasks.values())
        except BaseException:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
            raise
    return RunReports(dict(zip(tasks, reports, strict=True)))


async def run_one(platform: Platform, start: Start, name: str) -> RunReport:
    """One step of the plan; where the plan does not ask it, a report that says why."""
    step = step_named(name)
    async with _prepared(platform, start, only=name) as work:
        return await work.run(step)


async def _after(
    before: list[asyncio.Task[RunReport]], work: _Work, step: StepDefinition
) -> RunReport:
    await asyncio.gather(*before)
    return await work.run(step)


@asynccontextmanager
async def _prepared(
    platform: Platform, start: Start, *, only: str | None = None
) -> AsyncIterator[_Work]:
    """The run's shared things, its clients open; those of one step where `only` names it."""
    work = _Work(platform, start, only)
    async with AsyncExitStack() as stack:
        await work.open(stack)
        yield work


class _Work:
    """What the steps of one run share: plan, settings, open clients, budget."""

    def __init__(self, platform: Platform, start: Start, only: str | None) -> None:
        self._platform = platform
        self._start = start
        self._budget_key = start.dagster_run_id or uuid4().hex
        self._providers: dict[str, Provider] = {}
        self._disabled: dict[str, str] = {}
        with self._connect() as conn:
            self._settings = load_settings(conn)
            self.document = plan_scope(conn, start.plan_id)
            planned = in_graph_order(self.document.get("steps", {}))
            self._steps = [step for step in planned if only in (None, step.name)]
            for step in self._steps:
                self._note_order(conn, step)

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the clients of every provider asked, for as long as `stack` lives."""
        clients = self._start.clients or environment_clients(self._platform.environment)
        tokens = PostgresTokens(self._platform.dsn, self._platform.secret_key)
        book = PostgresPhoneBook(self._platform.dsn, self._platform.secret_key)
        names = {
            offer.provider for step in self._steps for offer in offers_of_plan(self.document, step)
        }
        self._providers, disabled = await open_providers(
            stack, self._settings, clients, names, tokens, book
        )
        self._disabled = {one.provider: one.reason for one in disabled}

    def _connect(self) -> Connection:
        return connect(self._platform.dsn, autocommit=True, name="bulk-lookup run")

    def _note_order(self, conn: Connection, step: StepDefinition) -> None:
        keys = [offer.key for offer in offers_of_plan(self.document, step)]
        providers, operations = [key[0] for key in keys], [key[1] for key in keys]
        conn.execute(_ORDER, (step.name, providers, operations, list(range(1, len(keys) + 1))))

    async def run(self, definition: StepDefinition) -> RunReport:
        """Derive the step's subjects, then buy what is due; or say why nobody is asked."""
        step = step_of_plan(self.document, definition, self._start.scope.kind)
        if step is None:
            return await asyncio.to_thread(self._skipped, definition)
        await asyncio.to_thread(self._derive, definition)
        offers = offers_of_plan(self.document, definition)
        mine: Mapping[str, Provider] = {
            offer.provider: self._providers[offer.provider]
            for offer in offers
            if offer.provider in self._providers
        }
        options = self._options(definition)
        limits = await within_account_limits(
            options.limits, mine, [offer.operation for offer in offers]
        )
        report = await run_step(
            self._platform.dsn,
            step,
            self._start.scope,
            mine,
            plan_id=self._start.plan_id,
            run=replace(options, limits=limits),
        )
        names = {offer.provider for offer in offers}
        report.stopped |= {name: why for name, why in self._disabled.items() if name in names}
        report.left_out = await asyncio.to_thread(self._left_out, definition, offers)
        if hunter_records.PROVIDER in mine and report.requests:
            await asyncio.to_thread(self._withdraw)
        unsure = await asyncio.to_thread(self._unsure, definition)
        report.skipped, report.skipped_because = unsure
        return report

    def _options(self, definition: StepDefinition) -> RunOptions:
        return run_options(
            self._platform,
            self._settings,
            definition.name,
            kind=self._start.kind,
            batch_id=self._start.batch_id,
            dagster_run_id=self._start.dagster_run_id,
            budget_key=self._budget_key,
            progress=self._start.progress,
        )

    def _derive(self, definition: StepDefinition) -> None:
        if definition.derivation is not None:
            with self._connect() as conn:
                derive(conn, self._platform.secret_key, definition.derivation, self._start.scope)

    def _left_out(self, definition: StepDefinition, asked: Sequence[Offer]) -> list[LeftOut]:
        """Who else might have answered what nobody did, had they credentials and a price."""
        hindered = obstacles(self._platform.environment, self._settings)
        plan_id, scope = self._start.plan_id, self._start.scope
        with self._connect() as conn:
            try:
                return count_left_out(
                    conn, definition, asked, scope, self._settings, hindered, plan_id=plan_id
                )
            except InputError:
                return []  # settings changed since: they concern the next plan, not this run

    def _withdraw(self) -> None:
        with self._connect() as conn:
            withdraw_objected(conn)

    def _unsure(self, definition: StepDefinition) -> tuple[int, str]:
        if definition.floor is None:
            return 0, ""
        with self._connect() as conn:
            return count_unsure(conn, self.document, definition, self._start.scope)

    def _skipped(self, definition: StepDefinition) -> RunReport:
        with self._connect() as conn:
            count = count_rows(conn, self._start.scope)
        hindered = obstacles(self._platform.environment, self._settings)
        why = why_skipped(definition, self._settings, hindered)
        return RunReport(
            skipped=count,
            skipped_because=why or "the approved plan does not ask it: make a new plan",
        )


def run_options(
    platform: Platform,
    settings: Settings,
    step: str,
    *,
    kind: str,
    batch_id: int | None = None,
    dagster_run_id: str | None = None,
    budget_key: str = "",
    progress: Progress | None = None,
) -> RunOptions:
    """Limits, caps and deadlines of a step's run from the settings in force."""
    spending, block = settings.spending, settings.steps.step(step)

    def micros(usd: Any) -> int | None:
        return None if usd is None else micros_from_usd(usd)

    return RunOptions(
        home=platform.environment.home,
        limits=provider_limits(settings),
        run_cap_micros=micros(spending.run_cap_usd),
        day_cap_micros=micros(spending.day_cap_usd),
        provider_day_caps_micros={
            name: micros_from_usd(usd) for name, usd in spending.provider_day_cap_usd.items()
        },
        refresh_after=refresh_after(settings, step),
        deadline=timedelta(seconds=block.deadline_s),
        accepted_for=timedelta(seconds=settings.steps.accepted_deadline_s),
        patience=timedelta(seconds=block.patience_s),
        timezone=platform.environment.timezone.key,
        kind=kind,
        batch_id=batch_id,
        dagster_run_id=dagster_run_id,
        budget_key=budget_key,
        progress=progress,
    )
