"""What a plan of discovery would ask and cost: a first page per ZIP code and a chain of pages.

The maximum is every page the limit allows; what is likely follows from what earlier requests of the
same provider and type needed.

Belongs here: the arithmetic over `core.funnel`. Does not: how far searches went
(`services.discovery_history`), storing (`services.discovery_plans`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bulk_lookup_dagster.core.funnel import Spread, Stage, combined, simulate
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.due import QuestionCount
from bulk_lookup_dagster.services.discovery_history import read_history, types_of
from bulk_lookup_dagster.services.durations import StepRequests, duration
from bulk_lookup_dagster.services.plan_estimates import Rates, rates
from bulk_lookup_dagster.services.steps.zipcode_businesses import (
    MOST_REQUESTS,
    ZIPCODE_BUSINESSES,
)
from bulk_lookup_dagster.services.subject_plans import Asked

FIRST = "search"
_STANDINGS = ("cached", "served", "waiting", "elsewhere", "accepted", "held", "later", "failed")


@dataclass(frozen=True, slots=True)
class _Chain:
    """One provider's pages: the first, and every further one a limit allows."""

    provider: str
    stages: Sequence[Stage]
    counts: Sequence[QuestionCount]
    price_micros: int


def estimate(conn: psycopg.Connection[Any], asked: Asked, limit: int) -> dict[str, Any]:
    """The document of a plan (see `web.estimate`), a line per provider."""
    known = rates(conn)
    history, types = read_history(conn, MOST_REQUESTS), types_of(conn, asked.subject_ids)
    chains: list[_Chain] = []
    before: int | None = None
    share, offset = 1.0, 0
    for provider in dict.fromkeys(offer.provider for offer in asked.offers):
        mine = [one for one in asked.counts if one.provider == provider]
        price = max((asked.book.price(*offer.key, None) for offer in asked.offers
                     if offer.provider == provider), default=0)  # fmt: skip
        rate = known.get((provider, FIRST), Rates())
        going_on = history.shares(provider, types, MOST_REQUESTS[provider](limit))
        stages = _stages(mine, price, rate, going_on, before, share, offset)
        chains.append(_Chain(provider, stages, mine, price))
        before, share, offset = offset, 1 - rate.answered, offset + len(stages)
    return _document(chains, asked.settings)


def _stages(
    counts: Sequence[QuestionCount],
    price: int,
    rate: Rates,
    going_on: Sequence[float],
    before: int | None,
    share: float,
    offset: int,
) -> list[Stage]:
    """The first page, asked of those whom the provider before left over, and what follows it."""
    first = _due(counts, further=False)
    waiting = sum(one.count for one in counts if one.standing == "waiting")
    stages = [Stage(first, price, rate.billed, waiting, before, share if before is not None else 0)]
    further = _due(counts, further=True)
    for number, next_share in enumerate(going_on, 1):
        due, gone_on = (further, 0) if number == 1 else (0, further)
        source, pool = offset + number - 1, first + waiting + gone_on
        stages.append(Stage(due, price, rate.billed, pool, source, next_share))
    return stages


def _due(counts: Sequence[QuestionCount], *, further: bool) -> int:
    return sum(one.count for one in counts if one.due and (one.operation != FIRST) == further)


def _document(chains: Sequence[_Chain], settings: Settings) -> dict[str, Any]:
    funnel = simulate([stage for chain in chains for stage in chain.stages])
    spreads, questions = list(funnel.stages), list(funnel.questions)
    lines, requests = [], {}
    for chain in chains:
        size = len(chain.stages)
        spread, asked = combined(spreads[:size]), sum(questions[:size])
        del spreads[:size], questions[:size]
        lines.append(_line(chain, spread, asked))
        requests[chain.provider] = asked
    name = ZIPCODE_BUSINESSES.name
    seconds, slowest = duration([StepRequests(name, (), requests)], settings)
    money = funnel.total.document()
    totals = {part: sum(line[part] for line in lines) for part in ("due", "expected", "cached")}
    nobody = {"duplicates": 0, "skipped": 0, "skipped_because": "", "left_out": []}
    return {
        "lines": lines,
        "steps": [{"step": name, "title": ZIPCODE_BUSINESSES.title, **totals, **nobody, **money}],
        "due": totals["due"],
        "requests": sum(requests.values()),
        "rows": 0,
        "duplicates": 0,
        "duplicates_micros": 0,
        **money,
        "duration_s": seconds,
        "slowest_limit": slowest,
    }


def _line(chain: _Chain, spread: Spread, asked: int) -> dict[str, Any]:
    due = sum(one.count for one in chain.counts if one.due)
    standing = {
        name: sum(one.count for one in chain.counts if one.standing == name) for name in _STANDINGS
    }
    return {
        "step": ZIPCODE_BUSINESSES.name,
        "provider": chain.provider,
        "operation": FIRST,
        "due": due,
        "expected": max(0, asked - due),
        **standing,
        "price_micros": chain.price_micros,
        **spread.document(),
    }
