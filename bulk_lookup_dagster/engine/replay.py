"""Replay: rebuild a step's values from the stored bodies, without asking anybody.

Used after a parser was corrected, and to prove that values are nothing but parsed bodies. It
changes the result table and resolves quarantine; nothing else.

Belongs here: the pass over the bodies. Does not: parsing (see `Provider.parse`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bulk_lookup_dagster.engine.provider import Provider
from bulk_lookup_dagster.engine.results import Answered, ResultTable
from bulk_lookup_dagster.engine.settlement import unpack
from bulk_lookup_dagster.engine.step import Step

PAGE = 1_000

_PAGE = """
    SELECT c.claim_id, c.subject_id, c.provider, c.operation, c.params_hash, c.outcome,
           extract(epoch FROM b.fetched_at)::float8,
           extract(epoch FROM b.expires_at - b.fetched_at)::float8, b.body,
           b.expires_at <= now()
      FROM ledger.claims c LEFT JOIN ledger.bodies b USING (claim_id)
     WHERE c.state = 'answered' AND c.claim_id > %(after)s
       AND (c.provider, c.operation) IN (
           SELECT * FROM unnest(%(providers)s::text[], %(operations)s::text[]))
       AND NOT EXISTS (
           SELECT FROM ledger.claims n
            WHERE n.provider = c.provider AND n.operation = c.operation
              AND n.subject_id = c.subject_id AND n.params_hash = c.params_hash
              AND n.epoch > c.epoch AND n.state = 'answered')
     ORDER BY c.claim_id LIMIT %(page)s
"""
_RESOLVE = """
    UPDATE ops.quarantine q SET resolved_at = clock_timestamp()
     WHERE q.resolved_at IS NULL AND q.quarantined_at < %(began)s AND q.step = %(step)s
       AND q.claim_id = ANY (%(claims)s)
"""


@dataclass(slots=True)
class ReplayReport:
    """Counts of answered claims: `rebuilt`, `refused` (quarantined again), and those that could
    not be replayed, by reason: `body_expired`, `body_purged`."""

    rebuilt: int = 0
    refused: int = 0
    not_replayed: Counter[str] = field(default_factory=Counter)


async def replay(
    conn: psycopg.AsyncConnection[Any],
    step: Step,
    providers: Mapping[str, Provider],
    offers: Sequence[tuple[str, str]] | None = None,
) -> ReplayReport:
    """Rebuild every value of a step whose body may still be kept. `providers` need not be open.

    `offers` are the (provider, operation) pairs the step asks; None: all that `providers` have.
    """
    table = ResultTable(step.name, step.table)
    report = ReplayReport()
    if offers is None:
        offers = [(name, each) for name, one in providers.items() for each in one.operations]
    after = 0
    while True:
        cursor = await conn.execute(
            _PAGE,
            {
                "after": after,
                "providers": [provider for provider, _ in offers],
                "operations": [operation for _, operation in offers],
                "page": PAGE,
            },
        )
        rows = await cursor.fetchall()
        if not rows:
            return report
        after = rows[-1][0]
        await _replay_page(conn, rows, table, providers, report)


async def _replay_page(
    conn: psycopg.AsyncConnection[Any],
    rows: list[tuple[Any, ...]],
    table: ResultTable,
    providers: Mapping[str, Provider],
    report: ReplayReport,
) -> None:
    answers = []
    for row in rows:
        if row[8] is None:
            report.not_replayed["body_purged"] += 1
        elif row[9]:
            report.not_replayed["body_expired"] += 1
        else:
            answers.append((Answered._make(row[:8]), unpack(row[8])))
    if not answers:
        return
    async with conn.transaction():
        cursor = await conn.execute("SELECT clock_timestamp()")
        began = (await cursor.fetchone() or (None,))[0]
        refused = await table.store(conn, answers, providers)
        claims = [claim.claim_id for claim, _ in answers]
        await conn.execute(_RESOLVE, {"began": began, "step": table.step, "claims": claims})
    report.refused += refused
    report.rebuilt += len(answers) - refused
