"""The settle writer: commits whatever has arrived as soon as its last commit returned.

Belongs here: the queue between receiving and committing. Does not: the transaction itself (see
`engine.settle`), the spool's files (see `engine.spool`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import psycopg

from bulk_lookup_dagster.core.errors import BulkLookupError
from bulk_lookup_dagster.engine.link import LOST, Link
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.engine.provider import Provider
from bulk_lookup_dagster.engine.results import ResultTable
from bulk_lookup_dagster.engine.settle import Moved, prepare, settle
from bulk_lookup_dagster.engine.settlement import Settlement
from bulk_lookup_dagster.engine.spool import Spool

GROUP = 500


class Writer:
    """One per run. `add` spools and queues; `run` commits until `finish`."""

    def __init__(
        self,
        dsn: str,
        spool: Spool,
        providers: Mapping[str, Provider],
        table: ResultTable,
        report: RunReport,
        progress: Callable[[RunReport], None] | None,
    ) -> None:
        self._link = Link(dsn, "settle", autocommit=False, setup=prepare)
        self._spool = spool
        self._providers = providers
        self._table = table
        self._report = report
        self._progress = progress
        self._pending: list[Settlement] = []
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._finishing = False
        self.failed: Exception | None = None

    def add(self, settlements: Sequence[Settlement]) -> None:
        """Spool and queue: from here on a kill of this process loses nothing of it."""
        self._spool.append(b"".join([one.line for one in settlements]), len(settlements))
        self._pending += settlements
        self._idle.clear()
        self._arrived.set()

    async def drain(self) -> None:
        """Wait until everything added is committed; raises what made committing impossible."""
        await self._idle.wait()
        if self.failed is not None:
            raise self.failed

    def finish(self) -> None:
        """Let `run` return once everything is committed."""
        self._finishing = True
        self._arrived.set()

    async def run(self) -> None:
        """Commit groups until finished. After a failure the spool keeps what is pending."""
        try:
            await self._link.open()
            while True:
                await self._arrived.wait()
                while self._pending:
                    await self._commit(self._pending[:GROUP])
                self._arrived.clear()
                self._idle.set()
                if self._finishing:
                    return
        except (BulkLookupError, psycopg.Error) as error:
            self.failed = error
            raise
        finally:
            self._idle.set()
            await self._link.close()

    async def _commit(self, group: Sequence[Settlement]) -> None:
        while True:
            try:
                moved, quarantined = await settle(
                    self._link.conn, group, self._providers, self._table
                )
                break
            except LOST:
                await self._link.reopen()
        del self._pending[: len(group)]
        self._spool.committed(len(group))
        self._report.quarantined += quarantined
        for claim in moved:
            count_moved(self._report, claim)
        if self._progress is not None:
            self._progress(self._report)


def count_moved(report: RunReport, claim: Moved) -> None:
    """Add a claim that moved to the report."""
    if claim.state == "accepted":
        return  # counted when it is answered; the run reports how many still wait
    report.spent_micros += claim.cost_micros
    if claim.state == "answered":
        report.answered[claim.outcome or ""] += 1
    elif claim.state == "unknown_outcome":
        report.unknown += 1
    elif claim.error_class == "unsent":
        report.released += 1
    else:
        report.failed[claim.error_class or ""] += 1
