from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.spreadsheet import neutralise, restore, spell, unspell


@given(st.text() | st.builds("{}{}".format, st.sampled_from("=+-@\t\r\n'"), st.text()))
def test_f55_what_is_made_harmless_comes_back_exactly(text: str) -> None:
    assert restore(neutralise(text)) == text


@given(st.sampled_from("=+-@\t\r\n'"), st.text())
def test_f55_no_cell_starts_a_formula(start: str, rest: str) -> None:
    assert neutralise(start + rest)[0] == "'"


@pytest.mark.parametrize("text", ["", "Ada", "4155552671", "a=b", " =1"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert neutralise(text) == text


_CODES = st.sampled_from(["_", "x", "000D", "005F", "FFFF", "\r", "\n", "\x0b", "\ufffe", "\uffff"])


@given(st.text() | st.lists(_CODES).map("".join))
def test_text_that_xml_cannot_hold_is_spelled_out_and_comes_back_exactly(text: str) -> None:
    spelled = spell(text)
    assert unspell(spelled) == text
    assert not set(spelled) & {"\r", "\x00", "\x0b", "\ufffe", "\uffff"}


@pytest.mark.parametrize(
    "text,spelled",
    [("a\r\nb", "a_x000D_\nb"), ("_x000D_", "_x005F_x000D_"), ("tab\there", "tab\there")],
)
def test_a_workbook_spells_as_the_standard_says(text: str, spelled: str) -> None:
    assert spell(text) == spelled
