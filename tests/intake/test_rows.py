from __future__ import annotations

import gc
import re
from typing import Any

import orjson
import pytest

from bulk_lookup_dagster.intake.columns import map_columns
from bulk_lookup_dagster.intake.rows import (
    ALL_REASONS,
    Chunk,
    RowReader,
    RowRules,
    record_text,
)
from bulk_lookup_dagster.intake.sample import HEADER, sample_rows

GOOD = "+14155552671"


def read(header: list[str], *rows: list[str], region: str = "US") -> Chunk:
    rules = RowRules(map_columns(header, [header], None), region, 1, b"k" * 32)
    clean = b"\\" not in orjson.dumps(rows)
    return RowReader(rules).read(2, rows, clean=clean)


def reasons(chunk: Chunk) -> list[str]:
    return [reason for _, reason, _, _ in chunk.rejects]


def identity(header: list[str], row: list[str]) -> bytes:
    (digest,) = read(header, row).contacts
    return digest


def test_a_row_is_one_contact_and_one_number() -> None:
    chunk = read(["Phone", "Name", "Notes"], [GOOD, " Ada ", "x"], ["", "", ""], ["415 555 2671"])
    assert (chunk.records, chunk.accepted, len(chunk.subjects)) == (2, 2, 1)
    (row, _, text), (other, _, _) = chunk.contacts.values()
    assert (row, other) == (2, 4)
    values = text.split("\t")
    assert values[:2] == [GOOD, "Ada"]
    assert values[-1] == '{"Notes":"x"}'
    assert len(values) == len(chunk.columns) == 3


def test_the_same_values_are_the_same_contact_however_the_phone_is_written() -> None:
    chunk = read(["Phone", "Name"], [GOOD, "Ada"], ["(415) 555-2671", " Ada"], [GOOD, "Ben"])
    assert (len(chunk.contacts), [row for row, _ in chunk.repeats]) == (2, [3])


def test_identity_does_not_depend_on_how_the_file_is_written() -> None:
    plain = identity(["Phone", "Name"], [GOOD, "Ada"])
    assert plain == identity(["Name", "tel", "Email"], ["Ada", "415-555-2671", ""])
    assert plain != identity(["Phone", "Company"], [GOOD, "Ada"])
    assert plain != identity(["Phone", "Name", "Notes"], [GOOD, "Ada", "x"])


@pytest.mark.parametrize(
    "row,reason",
    [
        (["12", "Ada", "", ""], "too_short"),
        ([GOOD, "Ada", "", "", "more"], "too_many_columns"),
        ([GOOD, "x" * 301, "", ""], "value_too_long"),
        ([GOOD + " " * 200, "Ada", "", ""], "value_too_long"),
        ([GOOD, "A\x00da", "", ""], "control_character"),
        ([GOOD, "Ada", "01/02/2026", ""], "invalid_date"),
        ([GOOD, "Ada", "2026-02-30", ""], "invalid_date"),
        ([GOOD, "Ada", "", "n" * 60_001], "row_too_long"),
    ],
)
def test_f57_a_row_that_does_not_fit_is_refused_never_cut(row: list[str], reason: str) -> None:
    chunk = read(["Phone", "Name", "Last verified on", "Notes"], row, [GOOD, "Ben", "", ""])
    assert reasons(chunk) == [reason]
    assert chunk.accepted == 1
    number, _, detail, original = chunk.rejects[0]
    assert (number, len(original) <= 10_000, len(detail) <= 500) == (2, True, True)
    assert "{}" not in detail


def test_empty_cells_at_the_end_are_no_extra_columns() -> None:
    assert reasons(read(["Phone"], [GOOD, "", " "])) == []


def test_f33_one_bad_row_does_not_touch_its_neighbours() -> None:
    chunk = read(["Phone"], *[[GOOD[:-3] + f"{n:03d}"] for n in range(500)], ["\ud7ff\x01"], [GOOD])
    assert (chunk.accepted, len(chunk.rejects)) == (501, 1)


@pytest.mark.parametrize("value", ["a\tb", "back\\slash", "two\nlines", 'a "quote"', "\\N", "\r"])
def test_special_characters_are_escaped_for_copy(value: str) -> None:
    chunk = read(["Phone", "Name", "Notes"], [GOOD, f"x{value}x", value + "!"])
    ((_, _, text),) = chunk.contacts.values()
    name = text.split("\t")[1]
    assert unescaped(name) == f"x{value}x"
    assert orjson.loads(unescaped(text.split("\t")[-1])) == {"Notes": (value + "!").strip()}


def unescaped(text: str) -> str:
    plain = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
    return re.sub(r"\\.", lambda match: plain[match[0]], text)


def test_a_sample_is_repeatable_and_mixed_as_promised() -> None:
    rows = list(sample_rows(5_000))
    assert rows == list(sample_rows(5_000))
    assert rows != list(sample_rows(5_000, seed=8))
    chunk = read(list(HEADER), *rows)
    regions: dict[str, int] = {}
    for phone in chunk.subjects.values():
        regions[phone.line.region] = regions.get(phone.line.region, 0) + 1
    home = sum(count for region, count in regions.items() if region in ("US", "CA"))
    assert 0.65 < home / len(chunk.subjects) < 0.75
    assert len(regions) >= 12
    assert 0.05 < len(chunk.rejects) / 5_000 < 0.07
    assert 0.06 < 1 - len(chunk.subjects) / chunk.accepted < 0.10
    # Unless a region writes numbers with a leading zero, none can be lost.
    absent = {"lost_leading_zero", "control_character", "row_too_long", "invalid_length"}
    assert set(ALL_REASONS) - set(reasons(chunk)) <= absent


def test_a_record_is_kept_as_the_line_it_came_from() -> None:
    record: list[Any] = ["Ada", 'a "b"', "x, y", "two\nlines"]
    assert record_text(record) == 'Ada,"a ""b""","x, y","two\nlines"'


def test_a_chunk_goes_without_the_garbage_collector() -> None:
    """The library's errors hold on to who called it: 3 us a row to find and free."""
    rows = [["+999 123 456 789"], ["12"], ["+1 415 555 26711 99"], ["n/a"], ["+49 30 1"], [GOOD]]
    read(["Phone"], *rows)
    gc.collect()
    gc.disable()
    try:
        read(["Phone"], *rows)
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("value", ["Zo\u00eb", " Zo\u00eb\u00a0", " a ", "a b", "", "  "])
def test_cells_are_trimmed_alike_wherever_they_stand(value: str) -> None:
    for extra in ("plain", 'quoted "', "back\\slash", ""):
        chunk = read(["Name", "Phone", "Notes"], [value, GOOD, value], ["x", GOOD, extra])
        text = next(iter(chunk.contacts.values()))[2].split("\t")
        assert text[1] == value.strip()
        assert text[-1] == (f'{{"Notes":"{value.strip()}"}}' if value.strip() else "")
