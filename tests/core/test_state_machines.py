"""The table of states is sound, and its page is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulk_lookup_dagster.core.state_machines import MACHINES, StateMachine, as_markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "state-machines.md"


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.table)
def test_every_state_is_reachable_and_every_arrow_leads_to_a_state(machine: StateMachine) -> None:
    reached = set(machine.initial)
    frontier = list(reached)
    while frontier:
        for after in machine.arrows[frontier.pop()]:
            if after not in reached:
                reached.add(after)
                frontier.append(after)
    assert reached == set(machine.states)


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text() == as_markdown(), "run: make generate"
