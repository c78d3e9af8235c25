"""Which offers of a step are asked: by the settings, by who can be asked, by what a plan fixed.

Belongs here: choosing. Does not: what an offer is (`definition`), what is due (`engine.due`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition


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
                f"No column gives the inputs of {', '.join(missing)}.", fix="Leave the package out."
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
    definition: StepDefinition, offers: Sequence[Offer], disabled: Mapping[str, str | None]
) -> tuple[Offer, ...]:
    """Offers of providers that can be asked; who cannot is no position of the waterfall.

    `disabled` has a reason per provider that cannot be asked. The work of an essential step stays.
    """
    if definition.essential:
        return tuple(offers)
    return tuple(offer for offer in offers if not disabled.get(offer.provider))


def stored_offers(offers_by_step: Mapping[str, Sequence[Offer]]) -> dict[str, Any]:
    """The `steps` part of a plan's scope."""
    return {
        name: {"offers": [list(offer.key) for offer in offers]}
        for name, offers in offers_by_step.items()
    }


def offers_of_plan(scope: Mapping[str, Any], definition: StepDefinition) -> tuple[Offer, ...]:
    """What a plan was approved for, of one step; nothing where it does not name the step."""
    part = scope.get("steps", {}).get(definition.name)
    return definition.offers_by_key(part["offers"]) if part else ()
