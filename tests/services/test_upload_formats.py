"""Family F16: whatever kind of file rows come in, the same is worked out about them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from openpyxl import Workbook

from bulk_lookup_dagster.services.uploads import load_upload

KEY = b"k" * 32
ROWS = (
    ("Name", "Phone", "E-Mail", "Company", "Notes"),
    ("Zoë Müller", "(415) 555-2671", "Zoe@Example.com", "Acorn & Söhne", 'a "quote"; a\ttab'),
    ("Ben", "+44 20 7946 0958", "", "", ""),
    ("Ben", "12", "", "", "too short"),
    ("Ada", "4155552672", "ada@example.com", "", "two\nlines"),
)
Write = Callable[[Path], None]


def _text(delimiter: str, encoding: str, ends: str = "\n") -> Write:
    def write(path: Path) -> None:
        table = io.StringIO()
        csv.writer(table, delimiter=delimiter, lineterminator=ends).writerows(ROWS)
        path.write_bytes(table.getvalue().encode(encoding))

    return write


def _sheet(path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in ROWS:
        sheet.append(row)
    book.save(path)


FILES = {
    "tabs.tsv": _text("\t", "utf-8"),
    "semicolons.csv": _text(";", "utf-8", "\r\n"),
    "marked.csv": _text(",", "utf-8-sig"),
    "wide.csv": _text(",", "utf-16"),
    "windows.csv": _text(",", "cp1252"),
    "sheet.xlsx": _sheet,
}


@pytest.mark.parametrize("name", FILES)
def test_f16_every_kind_of_file_leads_to_the_same_contacts_and_subjects(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, name: str
) -> None:
    plain, other = tmp_path / "plain.csv", tmp_path / name
    _text(",", "utf-8")(plain)
    FILES[name](other)
    first = load_upload(dsn, KEY, plain)
    assert (first.new_contact_count, first.rejects_by_reason) == (3, {"too_short": 1})

    second = load_upload(dsn, KEY, other)

    # A contact is known by a hash of all its values: none is new, so none differs.
    assert not second.already_loaded
    assert (second.contact_count, second.new_contact_count) == (3, 0)
    assert second.rejects_by_reason == first.rejects_by_reason
    derived = "SELECT count(*), count(region), count(number_type), count(time_zones)"
    assert conn.execute(f"{derived} FROM intake.subjects").fetchone() == (3, 3, 3, 3)
