"""How many requests earlier searches of ZIP codes needed, by provider and type of business.

Of the searches that made a request and were allowed another, what share went on? One that its limit
ended says nothing about the requests after it; one whose plan is not done yet says nothing at all.
A type is weighed against all types of its provider, and these against `PRIOR`, while few are known.

Belongs here: reading history, and the shares. Does not: money (`services.discovery_estimates`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]

PRIOR = 0.6
"""Share of searches that go on after a request, as long as nothing is known."""
WEIGHT = 10
"""How many searches of its own weigh as much as what is usual."""

# A search is one epoch of a subject at a provider; the newest ones count.
_HISTORY = """
    WITH searches AS (
        SELECT c.subject_id, c.provider, r.business_type, count(*) AS requests,
               max((p.scope ->> 'limit')::int) AS "limit"
          FROM enrichment.zipcode_requests r
          JOIN ledger.claims c USING (subject_id) JOIN ledger.plans p USING (plan_id)
         WHERE p.kind = 'discovery'
         GROUP BY c.subject_id, c.provider, r.business_type, c.epoch
        HAVING bool_and(c.state = 'answered' OR (c.state = 'failed' AND c.retry_at IS NULL))
           AND (array_agg(p.state ORDER BY p.plan_id DESC))[1] = 'done'
         ORDER BY max(c.claim_id) DESC LIMIT 20000
    ), listed AS (
        SELECT subject_id, provider, sum(found) AS found
          FROM enrichment.zipcode_businesses GROUP BY subject_id, provider
    )
    SELECT provider, business_type, requests, "limit", coalesce(found, 0) >= "limit", count(*)
      FROM searches LEFT JOIN listed USING (subject_id, provider)
     GROUP BY 1, 2, 3, 4, 5
"""
_TYPES = """
    SELECT business_type, count(*) FROM enrichment.zipcode_requests
     WHERE subject_id = ANY (%s) GROUP BY 1 ORDER BY 1
"""


@dataclass(slots=True)
class Chain:
    """Searches by number of requests: how many could go on after the nth, and how many did."""

    could: Counter[int] = field(default_factory=Counter)
    did: Counter[int] = field(default_factory=Counter)

    def add(self, requests: int, allowed: int, searches: int, *, full: bool) -> None:
        """`searches` that made `requests` of `allowed`; `full`: they had found what they might."""
        for number in range(1, requests):
            self.could[number] += searches
            self.did[number] += searches
        if requests < allowed and not full:
            self.could[requests] += searches

    def share(self, number: int, usual: float) -> float:
        """The share that goes on after the nth request."""
        return (self.did[number] + usual * WEIGHT) / (self.could[number] + WEIGHT)


class History:
    """The chains of every provider and type."""

    def __init__(
        self,
        rows: Iterable[tuple[str, str, int, int, bool, int]],
        allowed: Mapping[str, Callable[[int], int]],
    ) -> None:
        self._chains: dict[tuple[str, str | None], Chain] = {}
        for provider, business_type, requests, limit, full, searches in rows:
            if provider not in allowed:
                continue
            most = allowed[provider](limit)
            for kind in (business_type, None):
                chain = self._chains.setdefault((provider, kind), Chain())
                chain.add(requests, most, searches, full=full)

    def shares(self, provider: str, types: Mapping[str, int], most: int) -> list[float]:
        """After each request but the last, the share of searches of these `types` that go on."""
        left = {kind: float(count) for kind, count in types.items()}
        found: list[float] = []
        for number in range(1, most):
            following = {
                kind: count * self._share(provider, kind, number) for kind, count in left.items()
            }
            before = sum(left.values())
            found.append(sum(following.values()) / before if before else PRIOR)
            left = following
        return found

    def _share(self, provider: str, kind: str, number: int) -> float:
        every = self._chains.get((provider, None), Chain()).share(number, PRIOR)
        return self._chains.get((provider, kind), Chain()).share(number, every)


def read_history(conn: Connection, allowed: Mapping[str, Callable[[int], int]]) -> History:
    """What is known; `allowed` says how many requests a limit allows at each provider."""
    return History(conn.execute(_HISTORY).fetchall(), allowed)


def types_of(conn: Connection, subject_ids: Sequence[int]) -> dict[str, int]:
    """How many of these requests look for each type; '' is any business."""
    return dict(conn.execute(_TYPES, (list(subject_ids),)).fetchall())
