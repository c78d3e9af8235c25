from __future__ import annotations

import codecs
import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.errors import UploadRefused
from bulk_lookup_dagster.intake import chunks
from bulk_lookup_dagster.intake.chunks import TextChunk, cut_records, cut_text, unpack

DELIMITERS = st.sampled_from([",", ";", "\t", "|"])
CELLS = st.text(st.sampled_from("ab1 ,;\t|\"'\\\n\r\x00\x1f\u2028é"), max_size=6)
FILES = st.text(st.sampled_from('ab,;\t|"\n\r\\\x0b\u2028'), max_size=60)
NEEDS_ESCAPES = re.compile(r"[\\\x00-\x1f]")


def cut(text: str, delimiter: str, size: int, *, has_header: bool = False) -> list[TextChunk]:
    """A UTF-8 file, whose plain parts are cut as bytes, has the same chunks as any other."""
    decoded = io.StringIO(text, newline="")
    file = io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8", newline="")
    found = list(cut_text(file, delimiter, size, has_header=has_header))
    assert found == list(cut_text(decoded, delimiter, size, has_header=has_header))
    assert not file.buffer.closed
    return found


def parsed(found: list[TextChunk], delimiter: str = ",") -> list[list[list[str]]]:
    return [list(unpack(chunk.pack(), delimiter).records) for chunk in found]


@given(FILES, DELIMITERS, st.integers(1, 4))
def test_chunks_hold_the_records_of_the_file_in_full_batches(
    text: str, delimiter: str, size: int
) -> None:
    whole = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    found = cut(text, delimiter, size)
    records = parsed(found, delimiter)
    assert [record for chunk in records for record in chunk] == whole
    assert all(len(chunk) == size for chunk in records[:-1])
    assert [chunk.number for chunk in found] == list(range(1, len(found) + 1))
    assert [chunk.first_row for chunk in found] == list(range(1, len(whole) + 1, size))


@given(FILES, DELIMITERS)
def test_a_clean_chunk_has_no_cell_that_copy_must_escape(text: str, delimiter: str) -> None:
    for chunk in cut(text, delimiter, 3):
        found = unpack(chunk.pack(), delimiter)
        cells = "".join(cell for record in found.records for cell in record)
        assert not (found.clean and NEEDS_ESCAPES.search(cells))


@given(st.lists(st.lists(CELLS, max_size=3), max_size=6), st.integers(1, 3))
def test_records_of_a_workbook_come_back_as_they_were(rows: list[list[str]], size: int) -> None:
    found = list(cut_records(rows, size, has_header=False))
    assert [record for chunk in parsed(found) for record in chunk] == rows
    for chunk in found:
        unpacked = unpack(chunk.pack(), ",")
        cells = "".join(cell for record in unpacked.records for cell in record)
        assert not (unpacked.clean and NEEDS_ESCAPES.search(cells))


def test_plain_text_is_clean_with_every_line_end_and_with_quotes() -> None:
    for text in ("a,b\nc,d\n", "a,b\r\nc,d", "a,b\rc,d\r", 'a,"b, c"\nd,e\n'):
        assert all(unpack(chunk.pack(), ",").clean for chunk in cut(text, ",", 10))
    (tabs,) = cut("a\tb\n", "\t", 10)
    assert unpack(tabs.pack(), "\t").clean


def test_the_header_is_left_out_and_rows_count_as_a_spreadsheet_counts_them() -> None:
    text = '\n,\n"phone\nnumber",name\n1,a\n2,"b\nc"\n3,d\n'
    found = cut(text, ",", 2, has_header=True)
    assert [chunk.first_row for chunk in found] == [4, 6]
    assert parsed(found) == [[["1", "a"], ["2", "b\nc"]], [["3", "d"]]]
    rows = [[], ["phone"], ["1"], ["2"]]
    (sheet,) = cut_records(rows, 5, has_header=True)
    assert (sheet.first_row, parsed([sheet])) == (3, [[["1"], ["2"]]])


def test_long_lines_make_smaller_chunks_so_that_memory_stays_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "_MAX_CHARACTERS", 1_000)
    monkeypatch.setattr(chunks, "_BLOCK", 1_000)
    text = "x" * 99 + "\n" + ("y" * 99 + "\n") * 400
    for file, lines in (
        (io.StringIO(text, newline=""), 100),
        (io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8", newline=""), 10),
    ):
        found = parsed(list(cut_text(file, ",", 300, has_header=False)))
        assert [len(chunk) for chunk in found] == [lines] * (400 // lines) + [1]


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_bytes_are_cut_where_lines_end_and_decoded_from_where_they_are_not_plain(
    mark: bytes, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_BLOCK", 200 * size)
    plain = [f"{n},é{'x' * (n % 50)}" for n in range(4_000)]
    rest = ['1,"a\nb"', "2,c"]
    text = "\r\n".join(["phone,name", *plain, *rest])
    file = io.TextIOWrapper(
        io.BytesIO(mark + text.encode()), "utf-8-sig" if mark else "utf-8", newline=""
    )
    found = list(cut_text(file, ",", size, has_header=True))
    records = [record for chunk in parsed(found) for record in chunk]
    assert records == [line.split(",") for line in plain] + [["1", "a\nb"], ["2", "c"]]
    assert {len(chunk) for chunk in parsed(found)[:-1]} == {size}


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_longer_than_any_cell_is_refused_with_its_line(quote: str) -> None:
    text = "phone\n1\n2\n" + quote + "x" * (chunks.MAX_CELL + 1) + quote + "\n"
    with pytest.raises(UploadRefused, match="line 4"):
        cut(text, ",", 2, has_header=True)
