from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.spreadsheet import neutralise, restore


@given(st.text() | st.builds("{}{}".format, st.sampled_from("=+-@\t\r\n'"), st.text()))
def test_f55_what_is_made_harmless_comes_back_exactly(text: str) -> None:
    assert restore(neutralise(text)) == text


@given(st.sampled_from("=+-@\t\r\n'"), st.text())
def test_f55_no_cell_starts_a_formula(start: str, rest: str) -> None:
    assert neutralise(start + rest)[0] == "'"


@pytest.mark.parametrize("text", ["", "Ada", "4155552671", "a=b", " =1"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert neutralise(text) == text
