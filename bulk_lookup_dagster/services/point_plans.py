"""Plans of reverse geocoding: what asking for the addresses at points would cost.

Belongs here: subjects of points, their plan and its estimate. Does not: reading points
(`core.points`), approving (`services.approvals`), running (`services.reverse_geocoding`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.funnel import Stage, simulate
from bulk_lookup_dagster.services.durations import StepRequests, duration
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plan_estimates import Rates, rates
from bulk_lookup_dagster.services.plans import Plan
from bulk_lookup_dagster.services.steps.reverse_geocodes import REVERSE_GEOCODES
from bulk_lookup_dagster.services.subject_plans import Asked, plan_subjects
from bulk_lookup_dagster.services.subject_runs import ensure_subjects

Connection = psycopg.Connection[Any]
KIND = "points"
MOST_POINTS = 2_000
"""Points of one plan: its scope names each of them."""

_STANDINGS = ("cached", "served", "waiting", "elsewhere", "accepted", "held", "later", "failed")


def note_points(conn: Connection, platform: Platform, points: Sequence[str]) -> list[int]:
    """The subjects of points in canonical text, made where they are unknown."""
    if len(points) > MOST_POINTS:
        raise InputError(
            f"{len(points):,} points are more than the {MOST_POINTS:,} of one plan.",
            fix="Give them in several files.",
        )
    return ensure_subjects(conn, platform.secret_key, REVERSE_GEOCODES.subject_kind, points)


def plan_points(conn: Connection, platform: Platform, points: Sequence[str]) -> Plan:
    """The open plan of these points, or a new one; done at once where nothing is left to ask.

    Raises `ConfigError` where nobody can be asked.
    """
    return plan_subjects(
        conn,
        platform,
        REVERSE_GEOCODES,
        note_points(conn, platform, points),
        kind=KIND,
        what="points",
        estimate=lambda asked: _estimate(conn, asked),
    )


def _estimate(conn: Connection, asked: Asked) -> dict[str, Any]:
    """The document of a plan (see `web.estimate`): one step, a question about each point."""
    offer, counts = asked.offers[0], asked.counts
    name, price = REVERSE_GEOCODES.name, asked.book.price(*offer.key, None)
    due = sum(one.count for one in counts if one.due)
    standing = {
        word: sum(one.count for one in counts if one.standing == word) for word in _STANDINGS
    }
    funnel = simulate([Stage(due, price, rates(conn).get(offer.key, Rates()).billed)])
    seconds, slowest = duration([StepRequests(name, (), {offer.provider: due})], asked.settings)
    money = funnel.total.document()
    line = {"provider": offer.provider, "operation": offer.operation, "price_micros": price}
    figures = {"step": name, "due": due, "expected": 0, **standing, **money}
    nobody = {"duplicates": 0, "skipped": 0, "skipped_because": ""}
    return {
        "lines": [{**figures, **line}],
        "steps": [{**figures, **nobody, "title": REVERSE_GEOCODES.title}],
        "due": due,
        "requests": due,
        "rows": 0,
        "duplicates": 0,
        "duplicates_micros": 0,
        **money,
        "duration_s": seconds,
        "slowest_limit": slowest,
    }
