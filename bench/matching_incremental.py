"""25,000 new contacts against the rest, in PostgreSQL, beside the full run over all of them.

Belongs here: that comparison. Does not: the engine's own time and quality (`bench.matching`).
Both start from the same database, one from a copy of it: all but the new contacts are matched. Both
are runs as a batch or a schedule starts them, from contacts in PostgreSQL to memberships and the
log there, in tables as autovacuum leaves them some time after the run before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from bench.harness import own_server
from bulk_lookup_dagster.matching import engine
from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.matching.incremental import run_incremental
from bulk_lookup_dagster.matching.transfer import send
from bulk_lookup_dagster.storage import migrate
from bulk_lookup_dagster.storage.database import connect, with_database
from bulk_lookup_dagster.storage.embedded import SUPERUSER, EmbeddedServer

Connection = psycopg.Connection[Any]
_GROUND = """
    INSERT INTO intake.sources (source_id, name) VALUES (1, 'bench');
    INSERT INTO intake.uploads (upload_id, source_id, content_hash, mapping_hash, default_region,
                                state, file_name, file_uri, size_bytes)
         VALUES (1, 1, 'a', 'b', 'US', 'received', 'a.csv', 'file:///a.csv', 1);
    INSERT INTO intake.batches (batch_id, upload_id, source_id, batch_number, partition_key,
                                state, row_count)
         VALUES (1, 1, 1, 1, 'key', 'created', 25000);
"""
_FIELDS = (
    "name, first_name, last_name, company, email, website, street, city, state_region, postal_code"
)


def incremental(path: Path, new: int) -> dict[str, Any]:
    """Seconds of both runs, their ratio, and whether the clusters are the same."""
    with own_server() as server:
        rows = engine.number(duckdb.connect(), f"SELECT count(*) FROM '{path}'")
        dsn = matched_database(server, path, rows - new)
        with connect(dsn, autocommit=True, name="bench") as conn:
            _add(conn, path, rows - new, rows)
            conn.execute("VACUUM ANALYZE")
        with connect(server.dsn("postgres", SUPERUSER), autocommit=True) as conn:
            conn.execute("CREATE DATABASE whole TEMPLATE matching STRATEGY file_copy")
        short, found, counts = _timed(dsn, run_incremental)
        long, expected, _ = _timed(with_database(dsn, "whole"), run_full)
    return {
        "incremental_rows": new,
        "incremental_seconds": round(short, 2),
        "full_seconds": round(long, 2),
        "incremental_ratio": round(short / long, 3),
        "incremental_identical": found == expected,
        "incremental_counts": counts,
    }


def _timed(dsn: str, run: Callable[[Connection], dict[str, int]]) -> tuple[float, Any, Any]:
    with connect(dsn, autocommit=True, name="bench") as conn:
        start = time.perf_counter()
        counts = run(conn)
        return time.perf_counter() - start, _clusters(conn), counts


def matched_database(server: EmbeddedServer, path: Path, rows: int) -> str:
    """Address of a new database with so many contacts of the file, after a full run."""
    admin = server.dsn("postgres", SUPERUSER)
    with connect(admin, autocommit=True) as conn:
        conn.execute("CREATE DATABASE matching")
    dsn = with_database(admin, "matching")
    migrate.upgrade(dsn)
    with connect(dsn, autocommit=True, name="bench") as conn:
        conn.execute(_GROUND)
        _add(conn, path, 0, rows)
        run_full(conn)
    return dsn


def _add(conn: Connection, path: Path, first: int, end: int) -> None:
    """Contacts of the rows with these numbers; rows without a phone share one nobody has."""
    db = duckdb.connect()
    db.execute(f"""
        CREATE TABLE rows AS
        SELECT id + 2 AS contact_id, {_FIELDS}, coalesce('+1' || right(regexp_replace(
                   regexp_replace(phone, 'x.*', ''), '[^0-9]', '', 'g'), 10), '+0') AS value
          FROM '{path}' WHERE id >= {first} AND id < {end}
    """)
    send(conn, db, "SELECT contact_id, 'phone', value, '\\x' || md5(contact_id::VARCHAR) FROM rows",
         "intake.subjects (subject_id, kind, value, value_hmac)")  # fmt: skip
    hashed = f"'\\x' || md5(concat_ws('|', contact_id, value, {_FIELDS}))"
    columns = (
        "contact_id, source_id, first_batch_id, first_row_number, contact_hash, phone_subject_id"
    )
    query = f"SELECT contact_id, 1, 1, contact_id, {hashed}, contact_id, {_FIELDS} FROM rows"
    send(conn, db, query, f"intake.contacts ({columns}, {_FIELDS})")
    conn.execute("ANALYZE intake.contacts, intake.subjects")


def _clusters(conn: Connection) -> set[tuple[int, ...]]:
    standing = conn.execute(
        "SELECT array_agg(contact_id ORDER BY contact_id) FROM matching.current_members"
        " GROUP BY golden_id"
    ).fetchall()
    return {tuple(members) for (members,) in standing}
