"""The simulated funnel: ordered, bounded, repeatable, and following its shares."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulk_lookup_dagster.core.funnel import Stage, combined, simulate

_STAGES = st.lists(
    st.builds(
        Stage,
        due=st.integers(0, 10_000),
        price_micros=st.integers(0, 100_000),
        billed_share=st.floats(0, 1),
        pool=st.integers(0, 10_000),
        share=st.floats(0, 1),
    ),
    max_size=4,
)


@settings(deadline=None)  # a thousand draws on a busy machine
@given(_STAGES)
def test_a_spread_is_ordered_and_never_above_the_maximum(stages: list[Stage]) -> None:
    funnel = simulate(stages)
    for spread in (funnel.total, *funnel.stages, combined(funnel.stages)):
        assert 0 <= spread.p10 <= spread.p50 <= spread.p90 <= spread.maximum
    for stage, questions in zip(stages, funnel.questions, strict=True):
        assert stage.due <= questions <= stage.due + stage.pool


@settings(deadline=None)  # a thousand draws on a busy machine
@given(_STAGES, st.integers(1, 10_000), st.integers(1, 100_000))
def test_more_work_is_never_cheaper(stages: list[Stage], due: int, price: int) -> None:
    less, more = simulate(stages), simulate([*stages, Stage(due, price, 0.5)])
    assert more.total.p50 >= less.total.p50
    assert more.total.maximum > less.total.maximum


def test_what_one_provider_leaves_goes_to_the_next() -> None:
    first = Stage(1_000, 10_000, 1.0)
    second = Stage(0, 20_000, 1.0, pool=1_000, source=0, share=0.2)
    third = Stage(0, 40_000, 1.0, pool=1_000, source=1, share=0.5)
    funnel = simulate([first, second, third])
    assert list(funnel.questions) == pytest.approx([1_000, 200, 100], abs=5)
    assert funnel.total.p50 == pytest.approx(10_000_000 + 4_000_000 + 4_000_000, rel=0.03)
    assert funnel.total.maximum == 70_000_000
    assert funnel.total.p10 < funnel.total.p50 < funnel.total.p90


def test_the_same_counts_always_give_the_same_plan() -> None:
    stages = [Stage(500, 8_000, 0.9), Stage(0, 5_000, 0.8, pool=300, share=0.4)]
    assert simulate(stages) == simulate(stages)


def test_f39_nothing_costs_nothing() -> None:
    assert simulate([]).total.maximum == 0
    assert simulate([Stage(0, 8_000, 0.9)]).total.p90 == 0
