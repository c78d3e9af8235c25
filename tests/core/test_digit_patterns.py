"""First digits that settle a number: whatever follows them, the whole number says the same."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from bulk_lookup_dagster.core import numbering_plans
from bulk_lookup_dagster.core.digit_patterns import begins, matches
from bulk_lookup_dagster.core.numbering_plans import Plan, _table

PATTERNS = (
    r"2(?:0[1-35-9]|1[02-9])[2-9]\d{6}",
    r"7(?:[1-3]\d\d|5(?:0[0-8]|[13-9]\d))\d{6}|9\d{9}",
    r"(?:1|2\d?)\d{3,4}",
    r"8\d(?:12)?\d{2}",
    r"4",
)
DIGITS = st.text("0123456789", max_size=6)


@given(st.sampled_from(PATTERNS), DIGITS, DIGITS)
def test_what_is_said_of_all_numbers_is_so_for_each(pattern: str, start: str, rest: str) -> None:
    said = matches(pattern, start, len(rest))
    if said is not None:
        assert said == bool(re.fullmatch(pattern, start + rest))
    led = begins(pattern, start)
    if led is not None:
        assert led == bool(re.match(pattern, start + rest))


def test_what_is_certain_is_said() -> None:
    assert matches(PATTERNS[0], "2012", 6) is True
    assert matches(PATTERNS[0], "201", 7) is None
    assert matches(PATTERNS[0], "2041", 6) is False
    assert matches(PATTERNS[0], "2012", 5) is False
    assert begins("80[12]", "80") is None


@pytest.mark.parametrize("code", sorted(COUNTRY_CODE_TO_REGION_CODE))
def test_a_settled_start_is_what_each_of_its_numbers_is(code: int) -> None:
    rng = random.Random(code)
    plan = Plan(code)

    def digits(count: int) -> str:
        return "".join(rng.choices("0123456789", k=count))

    for length in plan.lengths:
        table = plan._tables[length] = _table(plan._regions, length)
        for size in (2, 4, 6):
            for start in (digits(size) for _ in range(10) if size < length):
                line = plan._line_of_all(table, start, length - size)
                if line is not None:
                    for _ in range(5):
                        match = table.match(number := start + digits(length - size))
                        assert match is not None
                        assert match.lastindex is not None
                        assert plan._line(table.kinds[match.lastindex], number) == line


def test_most_american_numbers_are_settled_by_four_digits() -> None:
    plan = Plan(1)
    assert plan.line("4155552671") is not None
    settled = [plan._line_of_all(plan._tables[10], f"415{digit}", 6) for digit in range(2, 10)]
    assert {line and line.region for line in settled} == {"US"}


def test_a_start_that_came_often_is_remembered() -> None:
    plan = Plan(1)
    first = plan.line("4155552671")
    for _ in range(numbering_plans._OFTEN):
        assert plan.line("4155552672") == first
    assert plan._tables[10].starts[0].lines == {"4155": first}
    assert plan.line("4155550000") == first
