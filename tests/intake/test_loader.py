from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.intake import loader
from bulk_lookup_dagster.intake.columns import map_columns
from bulk_lookup_dagster.intake.loader import BatchPlace, store_chunk
from bulk_lookup_dagster.intake.rows import RowReader, RowRules
from bulk_lookup_dagster.services.uploads import UploadReport, load_upload
from bulk_lookup_dagster.storage.database import connect

KEY = b"k" * 32
HEADER = ["phone", "name"]
ROWS = [[f"+1415555{n:04d}", f"name {n}"] for n in range(2000, 2100)]


def an_upload(conn: psycopg.Connection[Any]) -> BatchPlace:
    conn.execute("INSERT INTO intake.sources (name) VALUES ('default')")
    row = conn.execute(
        "INSERT INTO intake.uploads (source_id, content_hash, mapping_hash, default_region, state,"
        " file_name, file_uri, size_bytes) SELECT source_id, '', '', 'US', 'received', 'x', 'x', 1"
        "  FROM intake.sources RETURNING upload_id, source_id"
    ).fetchone()
    assert row is not None
    return BatchPlace(row[0], row[1], 1, "2026-11-23-aaaaaaaa-001")


def waiting(conn: psycopg.Connection[Any]) -> bool:
    row = conn.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return row.fetchone() != (0,)


def test_who_finds_the_same_people_waits_for_the_other_and_shares_them(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    place = an_upload(conn)
    path = tmp_path / "leads.csv"
    path.write_text("\n".join(map(",".join, [HEADER, *ROWS])))
    rules = RowRules(map_columns(HEADER, [HEADER], None), "US", place.source_id, KEY)
    chunk = RowReader(rules).read(2, ROWS, clean=True)
    reports: list[UploadReport] = []
    loading = threading.Thread(target=lambda: reports.append(load_upload(dsn, KEY, path)))
    with connect(dsn) as first:
        first.execute("SELECT 1")  # opens the transaction that stays open
        store_chunk(first, place, chunk)
        loading.start()
        while not waiting(conn):
            assert loading.is_alive()
        first.commit()
    loading.join()
    (report,) = reports
    assert (report.contact_count, report.new_contact_count) == (100, 0)
    assert conn.execute("SELECT count(*) FROM intake.subjects").fetchone() == (100,)


def test_storing_a_chunk_again_adds_nothing(conn: psycopg.Connection[Any]) -> None:
    place = an_upload(conn)
    rules = RowRules(map_columns(HEADER, [HEADER], None), "US", place.source_id, KEY)
    for _ in range(2):
        stored = store_chunk(conn, place, RowReader(rules).read(2, ROWS, clean=True))
        assert (stored.accepted, stored.rejected) == (100, 0)
    rows = conn.execute("SELECT count(*), count(DISTINCT row_number) FROM intake.upload_contacts")
    assert rows.fetchone() == (100, 100)


def test_contacts_another_load_gave_a_fresh_number_are_found(
    dsn: str, conn: psycopg.Connection[Any]
) -> None:
    """Between a chunk's two transactions its new numbers are everybody's."""
    place = an_upload(conn)
    rules = RowRules(map_columns(HEADER, [HEADER], None), "US", place.source_id, KEY)
    chunk = RowReader(rules).read(2, ROWS, clean=True)
    subjects = loader._store_subjects(conn, chunk.subjects)
    assert len(subjects.fresh) == len(ROWS)
    with connect(dsn, autocommit=True) as other:
        store_chunk(other, replace(place, batch_number=2, partition_key="other"), chunk)
    with conn.transaction():
        loader._store_rows(conn, place, chunk, subjects)
    found = conn.execute(
        "SELECT (SELECT count(*) FROM intake.contacts), (SELECT count(*) FROM intake.repeated_rows)"
    ).fetchone()
    assert found == (len(ROWS), len(ROWS))
