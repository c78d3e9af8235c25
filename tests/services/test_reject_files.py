from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.services.reject_files import read_rejects, write_rejects
from bulk_lookup_dagster.services.uploads import load_upload, rejects

FILE = """phone,note
=1+1,"=HYPERLINK(""x"")"
@12,it's
+999 123 456 789,x
-5,'quoted'
12,"two
lines"
"\t13",
"""


def test_f55_rejects_are_harmless_in_a_spreadsheet_and_come_back_exactly(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path, out = tmp_path / "leads.csv", tmp_path / "rejects.csv"
    path.write_text(FILE + "4155552671,fine\n")
    report = load_upload(dsn, b"k" * 32, path)

    assert write_rejects(conn, report.upload_id, out) == report.reject_count == 6

    with out.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    stored = list(rejects(conn, report.upload_id))
    assert list(read_rejects(out)) == stored
    assert [row.original.split(",")[0] for row in stored][:3] == ["=1+1", "@12", "+999 123 456 789"]
    assert list(tmp_path.glob(".*")) == []
