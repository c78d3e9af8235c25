"""What the dashboard shows of providers: their scores, whether they can be asked, what is left.

Belongs here: three bounded statements over schema `marts`, and the words of their rows. Does not:
costs and calls (`web.dashboard`), how a score is made (`dbt_project/models/marts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from bulk_lookup_dagster.web.reading import read_together

_SCORES = """
    SELECT step, provider, position, suggested_position, asked_count, answered_count, hit_rate,
           marginal_hit_rate, price_per_hit_micros, price_per_marginal_hit_micros, compared_count,
           agreement_rate, p50_ms, p95_ms, errors_by_class, as_of,
           count(*) OVER (PARTITION BY step) AS providers
      FROM marts.mart_provider_scorecard
     ORDER BY step, position NULLS LAST, provider LIMIT 60
"""
_HEALTH = """
    SELECT provider, state, reason, until, open_endpoints, last_success_at, request_count_24h,
           error_rate_24h, as_of
      FROM marts.mart_provider_health ORDER BY state = 'active', provider LIMIT 40
"""
_QUOTAS = """
    SELECT provider, unit, allowance, used, remaining, used_rate, is_warning, resets_at, told_at
      FROM marts.mart_provider_quota ORDER BY is_warning DESC, used_rate DESC, provider LIMIT 40
"""


@dataclass(frozen=True)
class Scorecard:
    """Rows of the three marts; `as_of` None before anybody was asked."""

    scores: Sequence[Mapping[str, Any]]
    health: Sequence[Mapping[str, Any]]
    quotas: Sequence[Mapping[str, Any]]

    @property
    def as_of(self) -> datetime | None:
        """When the scores were computed."""
        return self.scores[0]["as_of"] if self.scores else None


def read_scorecard(conn: psycopg.Connection[Any]) -> Scorecard:
    """How providers do, as of the last build, and whether they can be asked, as of now."""
    scores, health, quotas = read_together(conn, _SCORES, _HEALTH, _QUOTAS)
    for row in scores:
        row["errors"] = _errors(row["errors_by_class"])
        row["place"] = _place(row)
    return Scorecard(scores, health, quotas)


def _errors(by_class: Mapping[str, int]) -> str:
    ordered = sorted(by_class.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in ordered) or "none"


def _place(row: Mapping[str, Any]) -> str:
    """Its place in the order, and another where it would cost less per marginal hit."""
    now, better = row["position"], row["suggested_position"]
    if row["providers"] == 1:
        return "alone"
    if now is None:
        return f"not asked now, suggested {better}"
    return str(now) if now == better else f"{now}, suggested {better}"
