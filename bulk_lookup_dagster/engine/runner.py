"""One engine run of one step: recover, list what is due, drive the lanes, report.

A run makes passes until nothing of its scope is due, what others hold is settled, or its time,
its money or its providers are used up. Losing PostgreSQL costs a pass, not the run: it waits,
registers anew and lists again.

Belongs here: the order of things. Does not: each thing (see the modules beside).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import psycopg

from bulk_lookup_dagster.core.errors import ApprovalNeeded, InputError, StorageError
from bulk_lookup_dagster.engine import budget, due
from bulk_lookup_dagster.engine.callbacks import settle_callbacks
from bulk_lookup_dagster.engine.claims import ClaimTerms
from bulk_lookup_dagster.engine.gate import Gate
from bulk_lookup_dagster.engine.lane import Lane
from bulk_lookup_dagster.engine.link import LOST, Link
from bulk_lookup_dagster.engine.options import ProviderLimits, RunOptions, RunReport
from bulk_lookup_dagster.engine.polling import Poller
from bulk_lookup_dagster.engine.provider import PollingProvider, Provider
from bulk_lookup_dagster.engine.recovery import (
    ask_again_operations,
    end_dead_runs,
    recover_orphans,
    settle_dead_spools,
)
from bulk_lookup_dagster.engine.results import ResultTable
from bulk_lookup_dagster.engine.retry import Asker
from bulk_lookup_dagster.engine.settle import prepare
from bulk_lookup_dagster.engine.spool import DATABASE_IDENTITY, Spool, folder
from bulk_lookup_dagster.engine.step import Scope, Step
from bulk_lookup_dagster.engine.worker import Worker
from bulk_lookup_dagster.engine.writer import Writer, count_moved

_POLL_SECONDS = 0.5
_IDLE_PASSES = 3
_DEFAULT_LIMITS = ProviderLimits()

_OPEN_RUN = """
    INSERT INTO ledger.runs (kind, plan_id, batch_id, step, dagster_run_id, budget_key, worker_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING run_id
"""
_DRIVEN_BY = "UPDATE ledger.runs SET worker_id = %s WHERE run_id = %s"
_CLOSE_RUN = """
    UPDATE ledger.runs SET finished_at = clock_timestamp(), summary = %s::jsonb WHERE run_id = %s
"""
_PLAN = """
    SELECT state, price_list_version, cap_micros, expires_at < now()
      FROM ledger.plans WHERE plan_id = %s
"""


async def run_step(
    dsn: str,
    step: Step,
    scope: Scope,
    providers: Mapping[str, Provider],
    *,
    plan_id: int,
    run: RunOptions,
) -> RunReport:
    """Buy what is due in `scope` under an approved plan; never more than its caps allow.

    `providers` are open clients by name; a provider that is not among them is not asked, and its
    questions stay due. Raises `ApprovalNeeded` where the plan is not (or no longer) approved.
    """
    return await _Run(dsn, step, scope, providers, plan_id, run).execute()


class _Run:
    def __init__(
        self,
        dsn: str,
        step: Step,
        scope: Scope,
        providers: Mapping[str, Provider],
        plan_id: int,
        options: RunOptions,
    ) -> None:
        self._dsn = dsn
        self._step = step
        self._scope = scope
        self._providers = providers
        self._plan_id = plan_id
        self._options = options
        self._limits = {name: options.limits.get(name, _DEFAULT_LIMITS) for name in providers}
        self._report = RunReport(
            rates={name: limits.requests_per_second for name, limits in self._limits.items()}
        )
        self._table = ResultTable(step.name, step.table)
        self._claims = Link(dsn, "claim", autocommit=True)
        self._control = Link(dsn, "control", autocommit=True, durable=False)
        self._ends_at = time.monotonic() + options.deadline.total_seconds()
        self._day = datetime.now(ZoneInfo(options.timezone)).date()
        self._price_list = ""
        self._left: dict[str, str] = {}
        self._counted: list[due.QuestionCount] | None = None

    async def execute(self) -> RunReport:
        """The run, from opening to its last commit."""
        spool: Spool | None = None
        try:
            await self._open()
            spool = Spool(self._spool_folder)
            self._writer = Writer(
                self._dsn,
                spool,
                self._providers,
                self._table,
                self._report,
                self._options.progress,
            )
            writing = asyncio.create_task(self._writer.run())
            try:
                await self._work()
            finally:
                self._writer.finish()
                await writing
            await self._count_left()
            await self._end(self._claims, self._report.as_json())
        except BaseException as error:
            await self._end_failed(error)
            raise
        finally:
            await self._close()
            if spool is not None:
                spool.close()
        return self._report

    async def _open(self) -> None:
        await self._claims.open()
        await self._control.open()
        conn = self._claims.conn
        plan = await (await conn.execute(_PLAN, (self._plan_id,))).fetchone()
        if plan is None:
            raise InputError(
                f"There is no plan {self._plan_id}.", fix="Make one: bulk-lookup plan."
            )
        if plan[0] != "approved" or plan[3]:
            state = "expired" if plan[3] else plan[0]
            raise ApprovalNeeded(
                f"Plan {self._plan_id} is {state.replace('_', ' ')}, so nothing may be bought.",
                fix=f"Approve it: bulk-lookup approve {self._plan_id}.",
            )
        self._price_list = plan[1]
        identity = await (await conn.execute(DATABASE_IDENTITY)).fetchone()
        self._spool_folder = folder(
            self._options.home, identity[0] if identity else "", self._step.name
        )
        self._worker = await Worker.register(self._dsn)
        opened = await conn.execute(
            _OPEN_RUN,
            (
                self._options.kind,
                self._plan_id,
                self._options.batch_id,
                self._step.name,
                self._options.dagster_run_id,
                self._options.budget_key,
                self._worker.worker_id,
            ),
        )
        row = await opened.fetchone()
        self._report.run_id = row[0] if row else 0
        await self._set_caps(conn, plan[2], self._day)

    async def _end(self, link: Link, summary: Mapping[str, Any]) -> None:
        values = (orjson.dumps(summary).decode(), self._report.run_id)
        await link.conn.execute(_CLOSE_RUN, values)

    async def _end_failed(self, error: BaseException) -> None:
        """Write down that the run ended, over a session of its own: the others may be why."""
        if not self._report.run_id:
            return
        link = Link(self._dsn, "end", autocommit=True)
        try:
            await link.open()
            await self._end(link, self._report.as_json() | {"error": type(error).__name__})
        except (StorageError, *LOST) as lost:
            error.add_note(f"Run {self._report.run_id} stays open in ledger.runs: {lost}")
        finally:
            await link.close()

    async def _set_caps(
        self, conn: psycopg.AsyncConnection, plan_cap: int | None, day: date
    ) -> None:
        options = self._options
        await budget.set_cap(conn, "plan", str(self._plan_id), plan_cap)
        run_key = options.budget_key or str(self._report.run_id)
        await budget.set_cap(conn, "run", run_key, options.run_cap_micros)
        await budget.set_cap(conn, "day", day.isoformat(), options.day_cap_micros)
        for name in self._providers:
            cap = options.provider_day_caps_micros.get(name)
            await budget.set_cap(conn, "provider", budget.provider_key(name, day), cap)

    async def _close(self) -> None:
        worker: Worker | None = getattr(self, "_worker", None)
        if worker is not None:
            await worker.close()
        await self._claims.close()
        await self._control.close()

    async def _work(self) -> None:
        idle = 0
        while True:
            before = self._progress()
            try:
                await self._pass()
                await self._writer.drain()
                if not await self._more_to_do():
                    return
            except LOST:
                await self._reconnect()
            idle = 0 if self._progress() != before else idle + 1
            if idle > _IDLE_PASSES:
                return

    def _progress(self) -> tuple[int, int]:
        return self._report.requests, self._report.recovered

    async def _reconnect(self) -> None:
        await self._worker.close()
        await self._claims.reopen()
        await self._control.reopen()
        self._worker = await Worker.register(self._dsn)
        driven_by = (self._worker.worker_id, self._report.run_id)
        await self._control.conn.execute(_DRIVEN_BY, driven_by)

    async def _pass(self) -> None:
        self._counted = None
        await self._recover()
        if self._worker.lost.is_set():
            raise psycopg.OperationalError("The worker's session was closed by the server.")
        listed = await due.list_due(
            self._claims.conn,
            self._step,
            self._scope,
            providers=sorted(self._providers),
            price_list=self._price_list,
            plan_id=self._plan_id,
            refresh_after=self._options.refresh_after,
            seed=random.getrandbits(62),  # spreads processes, guards nothing
        )
        self._report.due = max(self._report.due, sum(one.claims for one in listed.values()))
        await self._drive_all(listed)
        if self._worker.lost.is_set():
            raise psycopg.OperationalError("The worker's session was closed by the server.")

    async def _drive_all(self, listed: Mapping[str, due.Due]) -> None:
        """Every provider at once, so that a dead one holds nobody up; then the first error."""
        driven = (
            self._drive(name, listed.get(name, due.NOTHING)) for name in sorted(self._providers)
        )
        for result in await asyncio.gather(*driven, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _drive(self, name: str, listed: due.Due) -> None:
        provider = self._providers[name]
        limits = self._limits[name]
        self._left.pop(name, None)  # every pass decides afresh
        gate = Gate(self._control, self._worker, provider, limits)
        await gate.load(listed.operations)
        if not gate.stopped:
            await self._poll(provider, limits, gate)
        if listed.requests and not gate.stopped:
            terms = ClaimTerms(
                name,
                self._plan_id,
                self._report.run_id,
                self._day,
                self._worker.worker_id,
                provider.deadline + limits.retry_window,
                self._options.budget_key,
            )
            lane = Lane(
                provider,
                limits,
                terms,
                gate,
                self._claims,
                self._writer,
                self._report,
                self._ends_at,
                self._options.patience.total_seconds(),
            )
            await lane.run(listed.requests)
            if lane.left_because:
                self._left[name] = lane.left_because
        if gate.database_lost:
            raise psycopg.OperationalError("A shared limit could not be read.")
        if gate.stopped:
            self._left[name] = gate.why_left
            self._report.stopped[name] = gate.stopped

    async def _poll(self, provider: Provider, limits: ProviderLimits, gate: Gate) -> None:
        asker = Asker(provider, limits, gate, self._report.run_id, self._report, self._writer.add)
        await Poller(
            provider, limits, self._step.name, gate, self._claims, self._writer, asker
        ).run()

    async def _recover(self) -> None:
        link = Link(self._dsn, "recover", autocommit=False, setup=prepare)
        await link.open()
        try:
            self._report.recovered += await settle_dead_spools(
                link.conn, self._spool_folder, self._providers, self._table
            )
            self._report.recovered += await recover_orphans(
                link.conn, ask_again_operations(self._providers), self._options.accepted_for
            )
            await end_dead_runs(link.conn)
            for claim in await settle_callbacks(
                link.conn, self._step.name, self._providers, self._table
            ):
                count_moved(self._report, claim)
                self._report.recovered += 1
            await link.conn.commit()
        finally:
            await link.close()

    async def _more_to_do(self) -> bool:
        """Whether another pass is worth it; waits for what others hold and for near retries."""
        patience = time.monotonic() + self._options.patience.total_seconds()
        while True:
            self._counted = await self._counts()
            open_counts = [one for one in self._counted if one.provider not in self._left]
            if any(one.due and one.max_micros is not None for one in open_counts):
                return True
            waiting = any(one.standing == "elsewhere" for one in open_counts)
            again_at = min(
                (one.next_retry_at.timestamp() for one in open_counts if self._comes_up(one)),
                default=None,
            )
            now = time.monotonic()
            if again_at is not None and again_at <= time.time():
                return True
            soon = again_at is not None and now + again_at - time.time() < patience
            if now > min(patience, self._ends_at) or not (waiting or soon):
                return False
            await asyncio.sleep(_POLL_SECONDS)
            await self._recover()

    def _comes_up(self, count: due.QuestionCount) -> bool:
        """Whether these become askable by themselves: a retry, or an accepted question's poll."""
        polled = isinstance(self._providers[count.provider], PollingProvider)
        return count.standing == "later" or (count.standing == "accepted" and polled)

    async def _counts(self) -> list[due.QuestionCount]:
        counts = await due.count_questions_async(
            self._claims.conn,
            self._step,
            self._scope,
            price_list=self._price_list,
            plan_id=self._plan_id,
            refresh_after=self._options.refresh_after,
        )
        return [one for one in counts if one.provider in self._providers]

    async def _count_left(self) -> None:
        # Nothing has moved since the last look, unless the database was lost meanwhile.
        for one in self._counted or await self._counts():
            if one.standing == "elsewhere":
                self._report.pending_elsewhere += one.count
            elif one.standing == "accepted":
                self._report.accepted += one.count
            elif one.standing == "waiting":
                self._report.left_due["waiting"] += one.count
            elif one.due and one.max_micros is None:
                self._report.left_due["no_price"] += one.count
            elif one.due or one.standing == "later":
                reason = self._left.get(one.provider) or ("later" if not one.due else "unavailable")
                self._report.left_due[reason] += one.count
