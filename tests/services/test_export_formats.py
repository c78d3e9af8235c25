"""F55 over whole files: any text in any cell runs nothing and comes back exactly."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import ERROR_CODES

from bulk_lookup_dagster.services.export_formats import WRITERS
from tests.fakes.exported import READERS, came_back

COLUMNS = ("row_number", "name", "company")
RUN_BY_A_SPREADSHEET = ("=", "+", "-", "@", "\t", "\r", "\n")
# What PostgreSQL can hold: any text without NUL and halves of characters.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
_PARTS = st.sampled_from([*RUN_BY_A_SPREADSHEET, *ERROR_CODES, "'", '"', ",", " ", "_x000D_",
                          "\ufeff", "1", "TRUE", "=1+1"])  # fmt: skip
_CELL = st.none() | _TEXT | st.lists(_PARTS | _TEXT, min_size=1, max_size=4).map("".join)


@pytest.mark.parametrize("kind", WRITERS)
@settings(deadline=None, max_examples=60)  # a workbook is a slow file
@given(rows=st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=4))
@example(rows=[("=1+1", "\r"), ("+14155552671", "#N/A"), ("\ufeff=1", " '@x ")])
def test_f55_any_text_comes_back_exactly_and_runs_nothing(
    kind: str, rows: list[tuple[str | None, str | None]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"contacts.{kind}"
        with WRITERS[kind](path, COLUMNS) as write:
            write([(number, *row) for number, row in enumerate(rows, 1)])
        header, *read = READERS[kind](path)
    assert tuple(header) == COLUMNS
    # A spreadsheet has no empty text, only empty cells.
    wanted = [(str(number), *(cell or None for cell in row)) for number, row in enumerate(rows, 1)]
    assert came_back(kind, read) == wanted
    if kind != "parquet":
        cells = [cell for row in read for cell in row if isinstance(cell, str)]
        assert not [cell for cell in cells if cell.startswith(RUN_BY_A_SPREADSHEET)]
