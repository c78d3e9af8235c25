"""Why some offers cannot be asked now, and what a step leaves unasked because of that.

Belongs here: finding the reasons, counting. Does not: what is asked instead
(`services.steps.selection`), why a provider cannot be asked (`services.providers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.due import DUE, count_questions
from bulk_lookup_dagster.engine.options import LeftOut
from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.services.prices import unpriced
from bulk_lookup_dagster.services.providers import usable
from bulk_lookup_dagster.services.steps import Offer, StepDefinition
from bulk_lookup_dagster.services.steps.selection import Obstacles, wanted_offers

MAY_COME = (*DUE, "waiting")
"""What an offer is asked at most: what waits for an earlier provider too."""


def obstacles(environment: Environment, settings: Settings) -> Obstacles:
    """Every reason by the environment and the settings in force."""
    return Obstacles(usable(environment, settings), unpriced(settings))


def count_left_out(
    conn: psycopg.Connection[Any],
    definition: StepDefinition,
    asked: Sequence[Offer],
    scope: Scope,
    settings: Settings,
    hindered: Obstacles,
    *,
    plan_id: int,
    standings: Sequence[str] = DUE,
) -> list[LeftOut]:
    """Offers left out beside those `asked`, each with what it would be asked if it alone were too.

    `standings` are those that count: by default what those asked left without an answer.
    """
    order = wanted_offers(definition, settings) if asked else ()
    block = settings.steps.step(definition.name)
    found = []
    for offer in order:
        because = hindered.to(offer)
        if offer in asked or not because:
            continue
        placed = [one for one in order if one == offer or one in asked]
        step = definition.as_step(placed, scope.kind, block)
        # No price is read of these counts: there may be none.
        counts = count_questions(conn, step, scope, price_list="", plan_id=plan_id)
        questions = sum(
            one.count
            for one in counts
            if (one.provider, one.operation) == offer.key and one.standing in standings
        )
        found.append(LeftOut(*offer.key, questions, because))
    return found
