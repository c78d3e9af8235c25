"""What each step of a plan would ask and cost: counts from the ledger, a funnel from its history.

Belongs here: estimating. Does not: storing and approving (`services.plans`), the arithmetic
(`core.funnel`), what is due (`engine.due`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from bulk_lookup_dagster.core.funnel import Funnel, Spread, Stage, combined, simulate
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.due import QuestionCount
from bulk_lookup_dagster.engine.options import LeftOut
from bulk_lookup_dagster.engine.pricing import PriceBook
from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.services.durations import StepRequests, duration
from bulk_lookup_dagster.services.steps import StepDefinition
from bulk_lookup_dagster.services.steps.definition import Offer
from bulk_lookup_dagster.services.steps.graph import upstream_of
from bulk_lookup_dagster.services.steps.scopes import contacts_sql

Connection = psycopg.Connection[Any]

PRIOR_BILLED, PRIOR_ANSWERED = 0.95, 0.8
_PRIOR_WEIGHT = 50
_STANDINGS = ("cached", "served", "waiting", "elsewhere", "accepted", "held", "later", "failed")

_RATES = """
    SELECT provider, operation, count(*), count(*) FILTER (WHERE cost_micros > 0),
           count(*) FILTER (WHERE outcome = 'data')
      FROM (SELECT provider, operation, cost_micros, outcome FROM ledger.claims
             WHERE state = 'answered' ORDER BY claim_id DESC LIMIT 20000) recent
     GROUP BY provider, operation
"""
_NUMBERS = """
    SELECT count(*), count(DISTINCT c.phone_subject_id)
      FROM intake.upload_contacts r JOIN intake.contacts c USING (contact_id)
     WHERE r.upload_id = ANY (%(upload_ids)s)
"""
_LINKED = """
    WITH scoped AS ({contacts})
    SELECT (SELECT count(*) FROM scoped), count(*), count(DISTINCT subject_id),
           count(DISTINCT contact_id)
      FROM intake.contact_subjects JOIN scoped USING (contact_id) WHERE kind = %(kind)s
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of answers, from history: billed, and with data."""

    billed: float = PRIOR_BILLED
    answered: float = PRIOR_ANSWERED


@dataclass(slots=True)
class StepWork:
    """One step of a plan: who is asked, how its questions stand now, what it skips and why.

    With offers, what it skips are subjects that are not sure enough yet.
    """

    definition: StepDefinition
    offers: Sequence[Offer]
    counts: Sequence[QuestionCount]
    skipped: int = 0
    skipped_because: str = ""
    left_out: Sequence[LeftOut] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    step: str
    offer: Offer
    counts: Sequence[QuestionCount]
    stage: Stage
    price_micros: int

    def standing(self, name: str) -> int:
        return sum(one.count for one in self.counts if one.standing == name)


def rates(conn: Connection) -> dict[tuple[str, str], Rates]:
    """Per provider and operation, weighed against what is usual while history is short."""
    return {
        (provider, operation): Rates(
            (billed + PRIOR_BILLED * _PRIOR_WEIGHT) / (asked + _PRIOR_WEIGHT),
            (with_data + PRIOR_ANSWERED * _PRIOR_WEIGHT) / (asked + _PRIOR_WEIGHT),
        )
        for provider, operation, asked, billed, with_data in conn.execute(_RATES).fetchall()
    }


def estimate(
    conn: Connection,
    works: Sequence[StepWork],
    book: PriceBook,
    scope: Scope,
    settings: Settings,
    subjects_per_request: Mapping[str, int],
) -> dict[str, Any]:
    """The stored document: `lines` per offer, `steps`, totals (see `web.estimate`)."""
    rows, numbers = conn.execute(_NUMBERS, scope.parameters).fetchall()[0]
    builder = _Lines(conn, book, scope)
    for work in works:
        builder.add(work)
    lines = builder.all
    funnel = simulate([line.stage for line in lines])
    line_documents = [
        _line_document(line, funnel.stages[number], funnel.questions[number])
        for number, line in enumerate(lines)
    ]
    duplicates = {
        work.definition.name: _duplicates(conn, work.definition, scope, rows - numbers)
        for work in works
    }
    steps = [_step_document(work, line_documents, duplicates) for work in works]
    requests = [
        StepRequests(
            work.definition.name,
            upstream_of(work.definition, [one.definition.name for one in works]),
            _requests(work, lines, funnel, subjects_per_request),
        )
        for work in works
    ]
    seconds, limit = duration(requests, settings)
    return {
        "lines": line_documents,
        "steps": steps,
        "due": sum(line["due"] for line in line_documents),
        "requests": sum(sum(one.by_provider.values()) for one in requests),
        "rows": rows,
        "duplicates": rows - numbers,
        "duplicates_micros": sum(
            duplicates[line.step] * line.price_micros for line in lines if line.stage.source is None
        ),
        **funnel.total.document(),
        "duration_s": seconds,
        "slowest_limit": limit,
    }


class _Lines:
    """A plan's questions, step by step; each knows which one it follows."""

    def __init__(self, conn: Connection, book: PriceBook, scope: Scope) -> None:
        self._conn = conn
        self._book = book
        self._scope = scope
        self._rates = rates(conn)
        self.all: list[_Line] = []

    def add(self, work: StepWork) -> None:
        """A step's offers; those of a slot follow each other."""
        coming = _pool(self._conn, work.definition, self._scope, self.all)
        coming += self._surer(work)
        last: dict[str, int] = {}
        for offer in work.offers:
            counts = [one for one in work.counts if (one.provider, one.operation) == offer.key]
            before = last.get(offer.slot)
            pool, share = coming, work.definition.expected_share
            if before is not None:
                first = self.all[before]
                waiting = sum(one.count for one in counts if one.standing == "waiting")
                pool = waiting + first.stage.pool
                share = 1 - self._rate(first.offer).answered
            self.all.append(self._line(work, offer, counts, pool, before, share))
            last[offer.slot] = len(self.all) - 1

    def _surer(self, work: StepWork) -> int:
        """Subjects left out now that answers of this plan may make sure enough."""
        floor = work.definition.floor
        if floor is None or not work.offers:
            return 0
        due = sum(line.stage.due for line in self.all if line.step == floor.told_by)
        return min(work.skipped, due)

    def _rate(self, offer: Offer) -> Rates:
        return self._rates.get(offer.key, Rates())

    def _line(
        self,
        work: StepWork,
        offer: Offer,
        counts: Sequence[QuestionCount],
        pool: int,
        before: int | None,
        share: float,
    ) -> _Line:
        due = [(one.count, self._book.price(*offer.key, one.region)) for one in counts if one.due]
        count = sum(number for number, _ in due)
        listed = max((one.max_micros or 0 for one in counts), default=0)
        if pool and not count:
            listed = max(listed, self._book.price(*offer.key, None))
        highest = max([price for _, price in due], default=listed)
        mean = sum(number * price for number, price in due) / count if count else float(listed)
        # Whose region is not known yet is priced as the dearest.
        price = max(mean, highest) if pool else mean
        stage = Stage(count, price, self._rate(offer).billed, pool, before, share)
        return _Line(work.definition.name, offer, counts, stage, max(highest, listed))


def _pool(
    conn: Connection, definition: StepDefinition, scope: Scope, lines: Sequence[_Line]
) -> int:
    """How many contacts may still lead to a subject of this step, through answers yet to come.

    The cap covers all of them; how many are expected says the step's `expected_share`.
    """
    sources = definition.derivation.sources if definition.derivation else ()
    if not any(source.reads for source in sources):
        return 0
    before = set(upstream_of(definition, {line.step for line in lines}))
    before -= {definition.floor.told_by} if definition.floor else set()
    coming = sum(line.stage.due + line.stage.pool for line in lines if line.step in before)
    if not coming:
        return 0
    contacts, _, _, linked = _links(conn, definition.subject_kind, scope)
    return min(coming, contacts - linked)


def _links(conn: Connection, kind: str, scope: Scope) -> tuple[int, int, int, int]:
    """Contacts of the scope, their links to subjects of a kind, those subjects, contacts linked."""
    query = _LINKED.format(contacts=contacts_sql(scope.kind))
    values = {**scope.parameters, "kind": kind}
    contacts, links, subjects, linked = conn.execute(query.encode(), values).fetchall()[0]
    return contacts, links, subjects, linked


def _duplicates(conn: Connection, definition: StepDefinition, scope: Scope, numbers: int) -> int:
    """Rows that lead to a subject another row leads to as well: asked once."""
    if definition.subject_kind == "phone":
        return numbers
    _, links, subjects, _ = _links(conn, definition.subject_kind, scope)
    return links - subjects


def _requests(
    work: StepWork,
    lines: Sequence[_Line],
    funnel: Funnel,
    subjects_per_request: Mapping[str, int],
) -> dict[str, int]:
    """Exchanges per provider: what is asked about one subject together needs one."""
    found: dict[str, int] = {}
    for number, line in enumerate(lines):
        if line.step == work.definition.name:
            provider = line.offer.provider
            each = max(1, subjects_per_request.get(provider, 1))
            found[provider] = max(found.get(provider, 0), -(-funnel.questions[number] // each))
    return found


def _line_document(line: _Line, spread: Spread, questions: int) -> dict[str, Any]:
    return {
        "step": line.step,
        "provider": line.offer.provider,
        "operation": line.offer.operation,
        "due": line.stage.due,
        "expected": max(0, questions - line.stage.due),
        **{name: line.standing(name) for name in _STANDINGS},
        "price_micros": line.price_micros,
        **spread.document(),
    }


def _step_document(
    work: StepWork, lines: Sequence[Mapping[str, Any]], duplicates: Mapping[str, int]
) -> dict[str, Any]:
    name = work.definition.name
    mine = [line for line in lines if line["step"] == name]
    spreads = [
        Spread(*(line[f"{part}_micros"] for part in ("p10", "p50", "p90", "max"))) for line in mine
    ]
    return {
        "step": name,
        "title": work.definition.title,
        **{part: sum(line[part] for line in mine) for part in ("due", "expected", "cached")},
        "duplicates": duplicates[name],
        "skipped": work.skipped,
        "skipped_because": work.skipped_because,
        "left_out": [asdict(one) for one in work.left_out],
        **combined(spreads).document(),
    }
