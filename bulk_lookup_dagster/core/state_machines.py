"""State machines: which states a record may start in and which moves are allowed.

One table for code, database triggers (`storage.triggers`), tests and docs (F10).
Belongs here: states and arrows. Does not: what happens on a move (see `services`, `engine`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StateMachine:
    """Allowed life of one kind of record, held in column `state` of `table`."""

    table: str
    initial: frozenset[str]
    arrows: Mapping[str, frozenset[str]]

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, in order of definition."""
        return tuple(self.arrows)

    def allows(self, old: str, new: str) -> bool:
        """Whether an update from `old` to `new` is allowed; staying put always is."""
        return old == new or new in self.arrows[old]


def _machine(table: str, initial: str, arrows: dict[str, str]) -> StateMachine:
    return StateMachine(
        table=table,
        initial=frozenset(initial.split()),
        arrows={state: frozenset(after.split()) for state, after in arrows.items()},
    )


UPLOAD = _machine(
    "intake.uploads",
    "received refused",
    {
        "received": "loading refused",
        "loading": "loaded refused",
        "loaded": "deleted",
        "refused": "received deleted",
        "deleted": "",
    },
)
BATCH = _machine(
    "intake.batches",
    "created",
    {
        "created": "enriching",
        "enriching": "published blocked",
        "blocked": "enriching",
        "published": "enriching",
    },
)
PLAN = _machine(
    "ledger.plans",
    "waiting_approval approved",
    {
        "waiting_approval": "approved done cancelled superseded",
        "approved": "done expired cancelled superseded",
        "done": "approved",
        "expired": "approved superseded",
        "cancelled": "",
        "superseded": "",
    },
)
CLAIM = _machine(
    "ledger.claims",
    "claimed",
    {
        "claimed": "answered failed accepted unknown_outcome",
        "accepted": "answered failed unknown_outcome",
        "failed": "claimed",
        "unknown_outcome": "answered failed claimed written_off",
        "answered": "",
        "written_off": "",
    },
)

MATCH_MODEL = _machine(
    "matching.model_versions",
    "shadow active",
    {"shadow": "active retired", "active": "retired", "retired": "active"},
)
MATCH_RUN = _machine(
    "matching.runs",
    "running",
    {"running": "done failed", "done": "", "failed": ""},
)

MACHINES = (UPLOAD, BATCH, PLAN, CLAIM, MATCH_MODEL, MATCH_RUN)


def as_markdown() -> str:
    """The page `docs/state-machines.md`: one diagram per machine."""
    parts = [
        "# State machines\n",
        "Generated from `bulk_lookup_dagster/core/state_machines.py` by `make generate`. Triggers"
        " made from the same table hold every writer to it, raw SQL included.\n",
    ]
    for machine in MACHINES:
        parts.append(f"## `{machine.table}`\n\n```mermaid\nstateDiagram-v2")
        parts += [f"    [*] --> {state}" for state in machine.states if state in machine.initial]
        parts += [
            f"    {state} --> {after}"
            for state, arrows in machine.arrows.items()
            for after in sorted(arrows)
        ]
        parts.append("```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201
