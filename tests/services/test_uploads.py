from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import UploadRefused
from bulk_lookup_dagster.intake.sample import write_sample
from bulk_lookup_dagster.services.uploads import UploadReport, load_upload, rejects

KEY = b"k" * 32
FILE = """Name,Phone,Company,Notes
Ada,(415) 555-2671,Acorn,"two
lines, a ""quote"" and a \\ backslash"
Ben,+44 20 7946 0958,,
Ben,12,,
Ada again,4155552671,Acorn,
Ben,+442079460958,,
"""


def load(dsn: str, path: Path, text: str | bytes | None = None, **options: Any) -> UploadReport:
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_upload(dsn, KEY, path, **options)


def test_rows_become_contacts_subjects_and_rejects(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    report = load(dsn, tmp_path / "leads.csv", FILE)

    assert (report.state, report.already_loaded) == ("loaded", False)
    assert (report.row_count, report.contact_count, report.new_contact_count) == (5, 4, 3)
    assert report.rejects_by_reason == {"too_short": 1}
    assert len(report.batches) == 1
    rows = conn.execute(
        "SELECT u.row_number, s.value, c.raw_phone, c.name, c.company, c.extra"
        "  FROM intake.upload_contacts u JOIN intake.contacts c USING (contact_id)"
        "  JOIN intake.subjects s ON s.subject_id = c.phone_subject_id ORDER BY 1"
    ).fetchall()
    note = 'two\nlines, a "quote" and a \\ backslash'
    assert rows == [
        (2, "+14155552671", "(415) 555-2671", "Ada", "Acorn", {"Notes": note}),
        (3, "+442079460958", "+44 20 7946 0958", "Ben", None, None),
        (5, "+14155552671", "4155552671", "Ada again", "Acorn", None),
        (6, "+442079460958", "+44 20 7946 0958", "Ben", None, None),
    ]
    assert [(r.row_number, r.reason, r.original) for r in rejects(conn, report.upload_id)] == [
        (4, "too_short", "Ben,12,,")
    ]


def test_sample(dsn: str, conn: psycopg.Connection[Any], tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    write_sample(path)
    report = load(dsn, path)
    assert report.row_count == 2000
    assert report.row_count == report.contact_count + report.reject_count


def test_refused(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(UploadRefused):
        load(dsn, tmp_path / "x.csv", "")
