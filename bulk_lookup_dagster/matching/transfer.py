"""Rows between PostgreSQL and DuckDB, by COPY through a private temporary file.

Belongs here: moving rows, and which columns a record has. Does not: what is moved when
(`matching.full`, `matching.incremental`).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, LiteralString

import duckdb
import psycopg

from bulk_lookup_dagster.matching.normalise import EXTRA, NORMALISER, RAW

Connection = psycopg.Connection[Any]
RECORD_COLUMNS: LiteralString = (
    "contact_id, row_hash, kind, first, given, given_other, middle, last, generation, company,"
    " phone, email, is_role, site, house, street, unit, postal, city, birth_date, person_id"
)
_KINDS = {"contact_id": "BIGINT", "is_role": "BOOLEAN"}
RECORD_TYPES: LiteralString = (
    "contact_id BIGINT, row_hash VARCHAR, kind VARCHAR, first VARCHAR, given VARCHAR,"
    " given_other VARCHAR, middle VARCHAR, last VARCHAR, generation VARCHAR, company VARCHAR,"
    " phone VARCHAR, email VARCHAR, is_role BOOLEAN, site VARCHAR, house VARCHAR, street VARCHAR,"
    " unit VARCHAR, postal VARCHAR, city VARCHAR, birth_date VARCHAR, person_id VARCHAR"
)
RECORDS_OUT: LiteralString = RECORD_COLUMNS.replace("row_hash", "encode(row_hash, 'hex')")
OUTDATED: LiteralString = f"normaliser <> {NORMALISER:d}"
"""Of a record: made by rules of normalising that have changed since."""


def _extra(name: str) -> LiteralString:
    tried = ", ".join(f"c.extra ->> '{key}'" for key in EXTRA[name])
    return f"coalesce({tried})"


RAW_OUT: LiteralString = (
    "SELECT c.contact_id, encode(c.contact_hash, 'hex'), s.value, c.name, c.first_name,"
    " c.last_name, c.company, c.email, c.website, c.street, "
    f"{_extra('house_number')}, c.city, c.postal_code, {_extra('birth_date')},"
    f" {_extra('person_id')} FROM intake.contacts c"
    " JOIN intake.subjects s ON s.subject_id = c.phone_subject_id WHERE c.erased_at IS NULL"
)
RAW_TYPES = "contact_id BIGINT, row_hash VARCHAR, " + ", ".join(f"{name} VARCHAR" for name in RAW)


def fetch(
    conn: Connection, db: duckdb.DuckDBPyConnection, query: LiteralString, table: str, types: str
) -> None:
    """Table `table` of DuckDB from a query of PostgreSQL."""
    columns = ", ".join(f"'{part.split()[0]}': '{part.split()[1]}'" for part in types.split(", "))
    with tempfile.NamedTemporaryFile(prefix="bl-matching-", suffix=".csv") as file:
        copying: LiteralString = f"COPY ({query}) TO STDOUT (FORMAT csv)"
        with conn.cursor().copy(copying) as copy:
            for data in copy:
                file.write(data)
        file.flush()
        # Quoted empty text is empty, unquoted is missing: as PostgreSQL writes it.
        db.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM read_csv('{file.name}',"
            f" header = false, auto_detect = false, delim = ',', quote = '\"', escape = '\"',"
            f" nullstr = '', allow_quoted_nulls = false, columns = {{{columns}}})"
        )


def send(
    conn: Connection, db: duckdb.DuckDBPyConnection, query: str, target: LiteralString
) -> None:
    """Rows of a query of DuckDB into a table (with its columns) of PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="bl-matching-") as folder:
        path = Path(folder) / "rows.csv"
        db.execute(f"COPY ({query}) TO '{path}' (FORMAT csv, HEADER false)")
        copying: LiteralString = f"COPY {target} FROM STDIN (FORMAT csv)"
        with conn.cursor().copy(copying) as copy, path.open("rb") as file:
            while data := file.read(1 << 20):
                copy.write(data)


def hand(
    conn: Connection,
    db: duckdb.DuckDBPyConnection,
    query: str,
    table: LiteralString,
    columns: LiteralString,
) -> None:
    """Temporary table of PostgreSQL, for this transaction, with the numbers of a DuckDB query."""
    typed: LiteralString = ", ".join(f"{column} BIGINT" for column in columns.split(", "))
    conn.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} ({typed}) ON COMMIT DROP")
    conn.execute(f"TRUNCATE {table}")
    send(conn, db, query, table)
    conn.execute(f"ANALYZE {table}")


def send_records(conn: Connection, db: duckdb.DuckDBPyConnection, only: str = "TRUE") -> None:
    """Rows of `records` and of `keys` that hold `only`, as new rows of schema `matching`."""
    columns = RECORD_COLUMNS.replace("row_hash", "'\\x' || row_hash")
    ordered = f"SELECT {columns}, {NORMALISER} FROM records WHERE {only}"
    send(conn, db, ordered, "matching.records (" + RECORD_COLUMNS + ", normaliser)")
    rows = f"SELECT contact_id, kind, key FROM keys WHERE {only} ORDER BY key"
    send(conn, db, rows, "matching.keys (contact_id, kind, key)")


def send_pairs(
    conn: Connection, db: duckdb.DuckDBPyConnection, version: str, pairs: str = "pairs"
) -> None:
    """What is worth keeping of a table of pairs, as new rows."""
    rows = f"""SELECT a, b, levels, score, verdict, reason, found_by, '{version}'
                 FROM {pairs} WHERE verdict <> 'reject' ORDER BY a, b"""
    send(
        conn, db, rows,
        "matching.pairs (contact_a, contact_b, levels, score, verdict, reason, found_by,"
        " model_version)",
    )  # fmt: skip


def send_stats(
    conn: Connection, db: duckdb.DuckDBPyConnection, run_id: int, only: str = "TRUE"
) -> None:
    """Rows of `key_stats` that hold `only`, as new ones, and blocks the run does not compare."""
    columns: LiteralString = "key, kind, record_count, name_count, is_shared, is_generic"
    stats = f"SELECT {columns} FROM key_stats WHERE {only} ORDER BY key"
    send(conn, db, stats, "matching.key_stats (" + columns + ")")
    skipped = f"SELECT {run_id}, key, kind, record_count FROM key_stats WHERE is_generic"
    send(conn, db, skipped, "matching.skipped_blocks (run_id, key, kind, record_count)")
