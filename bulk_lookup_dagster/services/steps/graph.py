"""The steps as a graph: which answers lead to which questions.

Belongs here: order. Does not: the steps (`services.steps`), running them (`services.runs`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services.steps import STEPS, StepDefinition


def in_graph_order(names: Collection[str]) -> list[StepDefinition]:
    """These steps, upstream first; raises where a name is none or a step leads to itself."""
    unknown = sorted(set(names) - {step.name for step in STEPS})
    if unknown:
        known = ", ".join(step.name for step in STEPS)
        raise InputError(f"There is no step {', '.join(unknown)}.", fix=f"Steps: {known}.")
    waiting = [step for step in STEPS if step.name in names]
    placed: list[StepDefinition] = []
    while waiting:
        done = {step.name for step in placed}
        ready = [
            step for step in waiting if all(up in done or up not in names for up in step.waits_for)
        ]
        if not ready:
            raise InputError(f"The steps {', '.join(s.name for s in waiting)} wait for each other.")
        placed += ready
        waiting = [step for step in waiting if step not in ready]
    return placed


def upstream_of(step: StepDefinition, names: Collection[str]) -> list[str]:
    """Those of `names` whose answers lead to subjects of a step, directly or through steps that
    are not among them."""
    by_name: Mapping[str, StepDefinition] = {one.name: one for one in STEPS}
    found: list[str] = []
    waiting = list(step.waits_for)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in names:
            found.append(name)
        elif name in by_name:
            waiting += by_name[name].waits_for
    return sorted(found)
