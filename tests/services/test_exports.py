"""Exports of a real upload: every format, harmless cells, all or nothing, logged."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.errors import StringDataRightTruncation

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.selection import COLUMNS
from bulk_lookup_dagster.services import exports
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.uploads import load_upload
from bulk_lookup_dagster.storage.database import connect
from tests.fakes.exported import READERS, came_back, export
from tests.fakes.story import tell

Connection = psycopg.Connection[Any]

FORMATS = ("csv", "tsv", "xlsx", "parquet")
RUN_BY_A_SPREADSHEET = ("=", "+", "-", "@", "\t", "\r", "\n")
NAMES = (
    "=1+1",
    "+Ada",
    "-Ben",
    "@SUM(A1)",
    "'quoted'",
    '=HYPERLINK("http://x.test","y")',
    "O'Hara",
    "Zoë, «3»",
    "two\r\nlines _x000D_ \uffff",
)


def _upload(platform: Platform, path: Path) -> int:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["phone", "name", "company"])
        for place, name in enumerate(NAMES):
            writer.writerow([f"(415) 555-26{place:02d}", name, "\n".join(["=two", "lines"])])
    return load_upload(platform.dsn, platform.secret_key, path).upload_id


@pytest.fixture
def upload(platform: Platform, tmp_path: Path) -> int:
    return _upload(platform, tmp_path / "leads.csv")


def _stored(conn: Connection, upload: int) -> list[tuple[str | None, ...]]:
    return conn.execute(
        "SELECT r.row_number::text, s.value, c.raw_phone, s.region, c.name, c.company, c.email"
        "  FROM intake.upload_contacts r JOIN intake.contacts c USING (contact_id)"
        "  JOIN intake.subjects s ON s.subject_id = c.phone_subject_id"
        " WHERE r.upload_id = %s ORDER BY r.row_number",
        (upload,),
    ).fetchall()


@pytest.mark.parametrize("kind", FORMATS)
def test_f55_every_format_comes_back_exactly_and_runs_nothing(
    conn: Connection, upload: int, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "out" / f"contacts.{kind}"
    done = export(conn, upload, kind, path, actor="ann")

    assert (done.uri, done.kind, done.row_count) == (path.as_uri(), kind, len(NAMES))
    assert done.size_bytes == path.stat().st_size
    header, *rows = READERS[kind](path)
    assert tuple(header) == COLUMNS
    stored = _stored(conn, upload)
    assert [row[:7] for row in came_back(kind, rows)] == stored
    assert [row[4] for row in stored] == list(NAMES)
    assert [path.name for path in path.parent.iterdir()] == [path.name]
    if kind != "parquet":
        cells = [cell for row in rows for cell in row if isinstance(cell, str)]
        assert not [cell for cell in cells if cell.startswith(RUN_BY_A_SPREADSHEET)]


def test_f55_what_a_vendor_answered_is_harmless_too(
    conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    tell(conn)
    texts = ["=1+1", "\t=1", "\r=1", "\n=1", "\x0b_x0000\x0b", "\ufffe"]
    with connect(superuser_dsn) as owner:
        owner.execute(
            "UPDATE enrichment.phone_lookups SET carrier_name = (%s::text[])[subject_id]"
            " WHERE operation = 'line_type_intelligence'",
            (texts,),
        )
    for kind in ("csv", "tsv", "xlsx"):
        path = tmp_path / f"contacts.{kind}"
        export(conn, 1, kind, path, actor="ann")
        rows = READERS[kind](path)[1:]
        carriers = [row[COLUMNS.index("carrier_name")] for row in rows[: len(texts)]]
        assert not [cell for cell in carriers if cell.startswith(RUN_BY_A_SPREADSHEET)]
        assert [row[9] for row in came_back(kind, rows)] == [*texts, None, None, None, None]


def test_only_what_may_still_be_kept_leaves(conn: Connection, tmp_path: Path) -> None:
    tell(conn)
    path = tmp_path / "contacts.csv"
    assert export(conn, 1, "csv", path, actor="ann").row_count == 10
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in READERS["csv"](path)[1:]]
    first, fourth, seventh = rows[0], rows[3], rows[6]
    assert (first["caller_name"], first["line_type"]) == ("ADA LOVELACE", "mobile")
    assert (first["looked_up_at"], first["risk_level"]) == ("2026-11-02T08:00:01Z", "low")
    assert (fourth["caller_name"], fourth["line_type"]) == ("", "tollFree")  # its name expired
    bought = [name for name in COLUMNS[7:] if name != "upload_id"]
    assert not any(seventh[name] for name in bought)  # never answered


def test_line_status_and_owner_leave_while_they_may_be_kept(
    conn: Connection, tmp_path: Path
) -> None:
    tell(conn)
    conn.execute(
        "INSERT INTO enrichment.reverse_phones (subject_id, provider, operation, params_hash,"
        "        claim_id, outcome, licence_class, fetched_at, owner_name, owner_type)"
        " SELECT subject_id, 'trestle', 'reverse_phone', '', claim_id, 'data', 'test', settled_at,"
        "        'Ada Lovelace', 'person'"
        "   FROM ledger.claims WHERE operation = 'caller_name' AND subject_id = 1"
    )
    path = tmp_path / "contacts.csv"
    export(conn, 1, "csv", path, actor="ann")
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in READERS["csv"](path)[1:]]
    names = ("line_status", "owner_name", "owner_type")
    assert [rows[0][name] for name in names] == ["connected", "Ada Lovelace", "person"]
    assert [rows[1][name] for name in names] == ["", "", ""]  # expired; never asked


def test_every_export_is_logged_with_who_and_where(
    conn: Connection, upload: int, tmp_path: Path
) -> None:
    paths = [tmp_path / f"contacts.{kind}" for kind in FORMATS]
    for kind, path in zip(FORMATS, paths, strict=True):
        export(conn, upload, kind, path, actor="ann")
    logged = conn.execute(
        "SELECT upload_id, selection, format, file_uri, row_count, size_bytes, exported_by"
        "  FROM ops.exports ORDER BY export_id"
    ).fetchall()
    assert logged == [
        (upload, "everything", kind, path.as_uri(), len(NAMES), path.stat().st_size, "ann")
        for kind, path in zip(FORMATS, paths, strict=True)
    ]


def test_an_export_that_cannot_be_logged_leaves_no_file(
    conn: Connection, upload: int, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(StringDataRightTruncation):
        export(conn, upload, "csv", out / "contacts.csv", actor="x" * 201)
    assert list(out.iterdir()) == []


@pytest.fixture
def at_each_page(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Pages of one row, and something done while each is written."""
    monkeypatch.setattr(exports, "PAGE", 1)
    pages = exports._pages

    def install(act: Callable[[], object]) -> None:
        def watched(*given: Any) -> Iterator[Any]:
            for page in pages(*given):
                act()
                yield page

        monkeypatch.setattr(exports, "_pages", watched)

    return install


def test_the_file_has_its_name_only_once_it_is_complete(
    conn: Connection, upload: int, tmp_path: Path, at_each_page: Any
) -> None:
    there: list[bool] = []
    for kind in FORMATS:
        path = tmp_path / f"contacts.{kind}"
        at_each_page(lambda path=path: there.append(path.exists()))
        export(conn, upload, kind, path, actor="ann")
        assert path.exists()
    assert there == [False] * len(NAMES) * len(FORMATS)


@pytest.mark.parametrize("kind", FORMATS)
def test_an_export_whose_session_dies_keeps_the_old_file_and_no_part_of_a_new_one(
    dsn: str, conn: Connection, upload: int, tmp_path: Path, kind: str, at_each_page: Any
) -> None:
    path = tmp_path / "out" / f"contacts.{kind}"
    path.parent.mkdir()
    path.write_text("the old file")
    with connect(dsn, autocommit=True) as other:
        end = "SELECT pg_terminate_backend(%s, 5000)"
        at_each_page(lambda: other.execute(end, (conn.info.backend_pid,)))
        with pytest.raises(psycopg.OperationalError):
            export(conn, upload, kind, path, actor="ann")
        assert other.execute("SELECT count(*) FROM ops.exports").fetchone() == (0,)
    assert [(each.name, each.read_text()) for each in path.parent.iterdir()] == [
        (path.name, "the old file")
    ]


def test_two_exports_to_one_name_at_once_both_end_complete(
    dsn: str, conn: Connection, upload: int, tmp_path: Path, at_each_page: Any
) -> None:
    path = tmp_path / "contacts.csv"
    both = threading.Barrier(2, timeout=30)
    at_each_page(both.wait)  # page by page, side by side

    def export_once() -> list[list[Any]]:
        with connect(dsn, autocommit=True) as own:
            export(own, upload, "csv", path, actor="ann")
        return READERS["csv"](path)

    with ThreadPoolExecutor(2) as pool:
        results = [future.result() for future in [pool.submit(export_once) for _ in range(2)]]
    assert results[0] == results[1]
    assert [row[:7] for row in came_back("csv", results[0][1:])] == _stored(conn, upload)


def test_an_unknown_format_names_the_known_ones(
    conn: Connection, upload: int, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="'pdf'") as refused:
        export(conn, upload, "pdf", tmp_path / "out" / "contacts.pdf", actor="ann")
    assert all(kind in refused.value.fix for kind in FORMATS)
    assert not (tmp_path / "out").exists()


def test_an_upload_that_is_unknown_or_not_loaded_is_refused(
    conn: Connection, platform: Platform, tmp_path: Path
) -> None:
    (tmp_path / "empty.csv").write_text("name,phone\n")
    with pytest.raises(InputError):
        load_upload(platform.dsn, platform.secret_key, tmp_path / "empty.csv")
    refused = conn.execute("SELECT upload_id FROM intake.uploads").fetchall()[0][0]
    for upload_id in (refused, 999):
        with pytest.raises(InputError, match=f"no loaded upload {upload_id}") as caught:
            export(conn, upload_id, "csv", tmp_path / "contacts.csv", actor="ann")
        assert caught.value.fix
    assert not (tmp_path / "contacts.csv").exists()


def test_a_sheet_too_short_for_the_upload_is_refused_and_text_is_not(
    conn: Connection, upload: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MAX_SHEET_ROWS", len(NAMES))
    with pytest.raises(InputError, match="A sheet ends") as refused:
        export(conn, upload, "xlsx", tmp_path / "contacts.xlsx", actor="ann")
    assert "csv" in refused.value.fix
    assert export(conn, upload, "csv", tmp_path / "contacts.csv", actor="ann").row_count
    monkeypatch.setattr(exports, "MAX_SHEET_ROWS", len(NAMES) + 1)
    assert export(conn, upload, "xlsx", tmp_path / "contacts.xlsx", actor="ann").row_count
