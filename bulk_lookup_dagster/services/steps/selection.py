"""Which offers of a step are asked: by the settings, by who can be asked, by what a plan fixed.

Belongs here: choosing, and what a plan stores of it. Does not: what an offer is (`definition`),
what is due (`engine.due`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.settings import Settings, StepSettings, StepsSettings
from bulk_lookup_dagster.engine.step import Scope, Step
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from bulk_lookup_dagster.services.steps.scopes import subjects_scope, uploads_scope
from bulk_lookup_dagster.services.steps.zipcode_businesses import discovery_scope

_FIXED = ("minimum_confidence", "holdout_percent")
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Why offers cannot be asked: per provider (None: it can), per operation without a price."""

    providers: Mapping[str, str | None]
    operations: Mapping[tuple[str, str], str]

    def to(self, offer: Offer) -> str:
        """Why this one cannot be asked; '' where it can."""
        return self.providers.get(offer.provider) or self.operations.get(offer.key, "")


def wanted_offers(definition: StepDefinition, settings: Settings) -> tuple[Offer, ...]:
    """What the settings ask for, in their order; nothing where the step is off."""
    block = settings.steps.step(definition.name)
    if not block.enabled:
        return ()
    offers = definition.offers
    if definition.chosen is not None:
        known = {offer.operation: offer for offer in offers}
        names = definition.chosen(settings)
        missing = [name for name in names if name not in known]
        if missing:
            raise InputError(
                f"The step {definition.name} does not ask {', '.join(missing)}: no column gives"
                " its inputs, or another step asks it.",
                fix="Leave the package out; line_status is asked by the step line_statuses.",
            )
        offers = tuple(known[name] for name in names)
    order: dict[str, int] = {name: place for place, name in enumerate(block.provider_order)}
    unknown = sorted(order.keys() - {offer.provider for offer in definition.offers})
    if unknown:
        raise InputError(
            f"The step {definition.name} cannot ask {', '.join(unknown)}.",
            fix=f"Change steps.{definition.name}.provider_order.",
        )
    if not order:
        return offers
    named = [offer for offer in offers if offer.provider in order]
    return tuple(sorted(named, key=lambda offer: order[offer.provider]))


def usable_offers(
    definition: StepDefinition, offers: Sequence[Offer], obstacles: Obstacles
) -> tuple[Offer, ...]:
    """Offers that can be asked; what cannot is no position of the waterfall.

    The work of an essential step stays: without a price, its plan is refused.
    """
    if definition.essential:
        return tuple(offers)
    return tuple(offer for offer in offers if not obstacles.to(offer))


def why_skipped(definition: StepDefinition, settings: Settings, obstacles: Obstacles) -> str:
    """Why a plan made now would ask nobody for a step; '' where it would."""
    offers = wanted_offers(definition, settings)
    if not offers:
        return f"switched off: settings steps.{definition.name}.enabled"
    if usable_offers(definition, offers, obstacles):
        return ""
    reasons = dict.fromkeys(f"{offer.provider}: {obstacles.to(offer)}" for offer in offers)
    return "; ".join(reasons)


def stored_step(
    definition: StepDefinition, offers: Sequence[Offer], block: StepSettings
) -> dict[str, Any]:
    """What a plan's scope fixes of one step: who is asked in which order, and the waterfall."""
    return {
        "offers": [list(offer.key) for offer in offers],
        **{name: getattr(block, name) for name in _fixed(definition)},
    }


def offers_of_plan(scope: Mapping[str, Any], definition: StepDefinition) -> tuple[Offer, ...]:
    """What a plan was approved for, of one step; nothing where it does not name the step."""
    part = scope.get("steps", {}).get(definition.name)
    return definition.offers_by_key(part["offers"]) if part else ()


def step_of_plan(
    scope: Mapping[str, Any], definition: StepDefinition, scope_kind: str
) -> Step | None:
    """One step as a plan fixed it, for the engine; None where the plan does not ask it."""
    offers = offers_of_plan(scope, definition)
    if not offers:
        return None
    return definition.as_step(offers, scope_kind, _block_of_plan(scope, definition))


def count_unsure(
    conn: Connection, document: Mapping[str, Any], definition: StepDefinition, scope: Scope
) -> tuple[int, str]:
    """How many subjects a plan leaves out as not sure enough, and why; 0 and '' where none."""
    floor, block = definition.floor, _block_of_plan(document, definition)
    query = definition.unsure_sql(scope.kind, block)
    if floor is None or not query:
        return 0, ""
    keys = [offer.key for offer in offers_of_plan(document, definition)]
    values = {
        **scope.parameters,
        "providers": [provider for provider, _ in keys],
        "operations": [operation for _, operation in keys],
    }
    count = int(conn.execute(query.encode(), values).fetchall()[0][0])
    setting = f"steps.{definition.name}.{floor.setting}"
    least = floor.least(definition.name, block)
    return count, f"{floor.name} below {least}: settings {setting}" if count else ""


def _fixed(definition: StepDefinition) -> tuple[str, ...]:
    return (*_FIXED, definition.floor.setting) if definition.floor else _FIXED


def _block_of_plan(document: Mapping[str, Any], definition: StepDefinition) -> StepSettings:
    """The step's settings as a plan fixed them; defaults for what it does not say."""
    part = document["steps"][definition.name]
    fixed = {name: part[name] for name in _fixed(definition) if name in part}
    return StepsSettings().step(definition.name).model_copy(update=fixed)


def scope_of_plan(document: Mapping[str, Any]) -> Scope:
    """What a plan runs over: requests for ZIP codes, subjects people named, else uploads."""
    if "limit" in document:
        return discovery_scope(document["subject_ids"], document["limit"])
    if document.get("subject_ids"):
        return subjects_scope(document["subject_ids"])
    return uploads_scope(document.get("upload_ids", []))
