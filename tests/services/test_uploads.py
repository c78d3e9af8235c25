from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from bulk_lookup_dagster.core.errors import StorageError, UploadRefused
from bulk_lookup_dagster.core.privacy import subject_hmac
from bulk_lookup_dagster.intake.sample import write_sample
from bulk_lookup_dagster.services import uploads
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
_LOAD = (
    "import sys; from pathlib import Path; from bulk_lookup_dagster.services.uploads import *\n"
    "load_upload(sys.argv[1], b'k' * 32, Path(sys.argv[2]), batch_rows=500)"
)


def load(dsn: str, path: Path, text: str | bytes | None = None, **options: Any) -> UploadReport:
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_upload(dsn, KEY, path, **options)


def count(conn: psycopg.Connection[Any], table: str) -> int:
    row = conn.execute(f"SELECT count(*) FROM intake.{table}").fetchone()
    assert row is not None
    return int(row[0])


def everything(conn: psycopg.Connection[Any]) -> dict[str, int]:
    tables = ("uploads", "batches", "subjects", "contacts", "upload_contacts", "rejects")
    return {table: count(conn, table) for table in tables}


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


def test_f16_a_subject_carries_what_its_plan_says(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    load(dsn, tmp_path / "leads.csv", "phone\n+14155552671\n")
    row = conn.execute(
        "SELECT kind, value, value_hmac, region, number_type, time_zones FROM intake.subjects"
    ).fetchone()
    digest = subject_hmac(KEY, "phone", "+14155552671")
    zones = "America/Los_Angeles"
    assert row == ("phone", "+14155552671", digest, "US", "fixed_line_or_mobile", zones)


def test_the_same_file_again_adds_nothing(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    first = load(dsn, tmp_path / "leads.csv", FILE)
    before = everything(conn)
    again = load(dsn, tmp_path / "other-name.csv", FILE)
    assert again.already_loaded
    assert again.upload_id == first.upload_id
    assert (again.row_count, again.batches) == (first.row_count, first.batches)
    assert everything(conn) == before


def test_an_edited_file_adds_only_what_changed(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    load(dsn, path, FILE)
    edited = load(dsn, path, FILE.replace("Ada again", "Ada Lovelace") + "Cleo,4155552672,,\n")
    assert (edited.already_loaded, edited.row_count, edited.new_contact_count) == (False, 6, 2)
    assert (count(conn, "contacts"), count(conn, "subjects")) == (5, 3)


def test_region_source_and_mapping_are_part_of_an_uploads_identity(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    text = "phone,mobile\n020 7946 0958,07400 123456\n"
    british = load(dsn, path, text, default_region="GB")
    assert british.contact_count == 1
    assert load(dsn, path).rejects_by_reason == {"too_long": 1}
    assert load(dsn, path, default_region="GB", source="fair").new_contact_count == 1
    mobiles = load(dsn, path, default_region="GB", mapping={"phone": "mobile"})
    assert mobiles.new_contact_count == 1
    assert everything(conn) == {
        "uploads": 4,
        "batches": 3,
        "subjects": 2,
        "contacts": 3,
        "upload_contacts": 3,
        "rejects": 1,
    }


def test_a_mapping_is_remembered_for_the_same_headers(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(UploadRefused):
        load(dsn, tmp_path / "a.csv", "Who,Reach at\nAda,4155552671\n")
    load(dsn, tmp_path / "a.csv", mapping={"phone": "Reach at", "name": "Who"})
    assert load(dsn, tmp_path / "b.csv", "who,reach_at\nBen,4155552672\n").contact_count == 1


def test_batches_are_partitions_named_by_date_hash_and_number(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "Ada Lovelace private.csv"
    write_sample(path, rows=1_000)
    report = load(dsn, path, batch_rows=300)
    keys = [batch.partition_key for batch in report.batches]
    assert [key[-3:] for key in keys] == ["001", "002", "003", "004"]
    assert len({key[:-4] for key in keys}) == 1
    assert all(len(key) == len("2026-11-23-a1b2c3d4-001") for key in keys)
    sizes = conn.execute(
        "SELECT b.row_count = count(*), max(u.row_number) - min(u.row_number) < 300"
        "  FROM intake.batches b JOIN intake.upload_contacts u USING (batch_id)"
        " GROUP BY b.batch_id, b.row_count"
    ).fetchall()
    assert sizes == [(True, True)] * 4


@pytest.mark.parametrize(
    "name,content,code",
    [
        ("a.csv", b"", "empty_file"),
        ("a.csv", b"name,phone\n", "header_only"),
        ("a.csv", b"name,phone\n" + b",\n" * 60, "header_only"),
        ("a.csv", b"name,city\nAda,Pune\n", "no_phone_column"),
        ("a.csv", b"\x00\x01\x02binary", "not_a_table"),
        ("a.csv", b'phone\n4155552671\n"' + b"x\n" * 70_000, "broken_table"),
    ],
)
def test_a_refused_file_is_kept_as_refused_and_nothing_of_it_is_seen(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    for _ in range(2):
        with pytest.raises(UploadRefused) as refused:
            load(dsn, tmp_path / name, content)
        assert refused.value.code == code
    rows = conn.execute("SELECT state, refusal_code, file_name FROM intake.uploads").fetchall()
    assert rows == [("refused", code, name)]
    assert (count(conn, "upload_contacts"), count(conn, "rejects")) == (0, 0)


def test_a_refused_file_is_loaded_once_it_can_be(dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(UploadRefused):
        load(dsn, path, "Who,Reach at\nAda,4155552671\n")
    assert load(dsn, path, mapping={"phone": "Reach at"}).state == "loaded"


def test_an_unknown_region_is_refused(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(UploadRefused, match="region"):
        load(dsn, tmp_path / "a.csv", FILE, default_region="XX")


def test_f33_a_killed_load_starts_again_without_loss_or_duplicates(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path, other = tmp_path / "sample.csv", tmp_path / "shared.csv"
    write_sample(path, rows=40_000)
    for pause in (0.2, 0.5, 0.7):
        process = subprocess.Popen([sys.executable, "-c", _LOAD, dsn, str(path)])
        while count(conn, "batches") == 0:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
    state = conn.execute("SELECT state FROM intake.uploads").fetchall()
    assert state == [("loading",)]
    # Another file finds contacts of the broken load and keeps them alive.
    other.write_text("".join(path.read_text().splitlines(keepends=True)[:200]))
    load(dsn, other)

    report = load(dsn, path)

    assert (report.state, report.row_count) == ("loaded", 40_000)
    total = "SELECT count(*), count(DISTINCT row_number) FROM intake.upload_contacts"
    linked = conn.execute(f"{total} WHERE upload_id = %s", [report.upload_id]).fetchone()
    assert linked == (report.contact_count, report.contact_count)
    distinct = "SELECT count(*), count(DISTINCT contact_hash) FROM intake.contacts"
    assert conn.execute(distinct).fetchone() == (count(conn, "contacts"),) * 2
    fresh = load(dsn, path, source="another")
    assert fresh.new_contact_count == count(conn, "contacts") - fresh.new_contact_count


def test_worker_processes_load_the_same_as_one(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sample.csv"
    write_sample(path, rows=3_000)
    alone = load(dsn, path, batch_rows=250)
    subjects = count(conn, "subjects")
    monkeypatch.setattr(uploads, "_SMALL_FILE", 0)
    seen: list[int] = []
    spread = load(dsn, path, batch_rows=250, source="spread", on_progress=seen.append)
    assert (spread.row_count, spread.contact_count, spread.new_contact_count) == (
        alone.row_count,
        alone.contact_count,
        alone.new_contact_count,
    )
    assert spread.rejects_by_reason == alone.rejects_by_reason
    assert (len(seen), sum(seen)) == (12, 3_000)
    assert count(conn, "subjects") == subjects


def test_a_load_whose_worker_dies_says_so_and_can_be_repeated(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sample.csv"
    write_sample(path, rows=3_000)
    monkeypatch.setattr(uploads, "_SMALL_FILE", 0)

    def kill(_: int) -> None:
        for child in psutil.Process().children():
            with suppress(psutil.ZombieProcess):  # killed at an earlier call
                if "bulk_lookup_dagster.intake.worker" in child.cmdline():
                    child.kill()

    with pytest.raises(StorageError, match="worker") as failed:
        load(dsn, path, batch_rows=100, on_progress=kill)
    assert failed.value.code == "load_interrupted"
    report = load(dsn, path, batch_rows=100)
    assert (report.state, report.row_count) == ("loaded", 3_000)


def test_two_loaders_of_one_file_store_it_once(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "sample.csv"
    write_sample(path, rows=3_000)
    reports: list[UploadReport] = []
    threads = [
        threading.Thread(target=lambda: reports.append(load(dsn, path, batch_rows=300)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.already_loaded for report in reports) == [False, True, True]
    assert len({(report.upload_id, report.contact_count) for report in reports}) == 1
    assert count(conn, "upload_contacts") == reports[0].contact_count


def test_two_files_with_the_same_people_at_once_share_them(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    write_sample(first, rows=3_000)
    lines = first.read_text().splitlines(keepends=True)
    second.write_text("".join([lines[0], *reversed(lines[1:])]))
    reports: list[UploadReport] = []
    threads = [
        threading.Thread(target=lambda path=path: reports.append(load(dsn, path, batch_rows=200)))
        for path in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {report.state for report in reports} == {"loaded"}
    assert sum(report.new_contact_count for report in reports) == count(conn, "contacts")
    assert len({report.contact_count for report in reports}) == 1


def test_a_file_that_changes_meanwhile_is_not_accepted(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"

    def append(_: int) -> None:
        with path.open("a") as file:
            file.write("Dee,4155552699,,\n")

    with pytest.raises(StorageError, match="changed"):
        load(dsn, path, FILE, on_progress=append)
    assert conn.execute("SELECT state FROM intake.uploads").fetchall() == [("loading",)]


def test_f60_rejects_are_read_in_pages(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    text = "phone\n" + "".join(f"{n}x\n" for n in range(2_500)) + "4155552671\n"
    report = load(dsn, tmp_path / "a.csv", text)
    rows = [reject.row_number for reject in rejects(conn, report.upload_id, page_rows=100)]
    assert rows == list(range(2, 2_502))


def test_errors_of_the_database_name_the_rule_and_no_value(
    dsn: str, owner_dsn: str, tmp_path: Path
) -> None:
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("ALTER TABLE intake.contacts ADD CONSTRAINT no_ada CHECK (name <> 'Ada')")
    with pytest.raises(StorageError, match="no_ada") as failed:
        load(dsn, tmp_path / "a.csv", FILE)
    assert "Ada" not in str(failed.value)
    assert "555" not in str(failed.value)
