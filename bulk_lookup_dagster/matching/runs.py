"""What full and incremental runs share: the lock, the model in force, the frozen band, the run.

Belongs here: rows of `model_versions`, `bands`, `name_frequencies`, `runs`. Does not: matching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import psycopg

from bulk_lookup_dagster.matching.clusters import Clustering
from bulk_lookup_dagster.matching.model import Model, load_model
from bulk_lookup_dagster.matching.pairs import make_frequencies
from bulk_lookup_dagster.matching.transfer import OUTDATED, fetch, send

Connection = psycopg.Connection[Any]
_OVERRIDES = """
    SELECT contact_a, contact_b, kind = 'must_link' FROM matching.overrides
     WHERE revoked_at IS NULL
"""

_STANDING = "SELECT contact_a, contact_b, levels FROM matching.pairs WHERE verdict = 'auto'"
_REFUSED = """
    CREATE TEMP TABLE refused (a BIGINT NOT NULL, b BIGINT NOT NULL) ON COMMIT DROP
"""


@dataclass(frozen=True)
class Run:
    """A run under way."""

    run_id: int
    model: Model
    band: int


def active_model(conn: Connection) -> Model:
    """The model in force; the one that ships with the package where there is none yet."""
    row = conn.execute(
        "SELECT document FROM matching.model_versions WHERE state = 'active'"
    ).fetchone()
    if row:
        return Model.model_validate(row[0])
    model = load_model()
    conn.execute(
        "INSERT INTO matching.model_versions (model_version, document, state, activated_at)"
        " VALUES (%s, %s, 'active', now())",
        (model.version, model.model_dump_json()),
    )
    return model


def start(conn: Connection, kind: str, model: Model, band: int) -> Run:
    """A new run."""
    row = conn.execute(
        "INSERT INTO matching.runs (kind, state, model_version, band)"
        " VALUES (%s, 'running', %s, %s) RETURNING run_id",
        (kind, model.version, band),
    ).fetchone()
    assert row is not None
    return Run(int(row[0]), model, band)


def finish(conn: Connection, run: Run, new_records: int, counts: dict[str, int]) -> None:
    """Close a run that went well; one that did not is rolled back whole."""
    conn.execute(
        "UPDATE matching.runs SET state = 'done', finished_at = clock_timestamp(),"
        " new_records = %s, counts = %s WHERE run_id = %s",
        (new_records, orjson.dumps(counts).decode(), run.run_id),
    )


def count_records(conn: Connection) -> tuple[int, int]:
    """How many records there are, and how many of them were made by rules since changed."""
    query = f"SELECT count(*), count(*) FILTER (WHERE {OUTDATED}) FROM matching.records"
    row = conn.execute(query).fetchone()
    return row or (0, 0)


def frozen(conn: Connection, db: duckdb.DuckDBPyConnection, model: Model, band: int) -> int | None:
    """Table `frequencies` as frozen for this band and how many records it counts; None if never."""
    values = (model.version, band)
    row = conn.execute(
        "SELECT record_count FROM matching.bands WHERE model_version = %s AND band = %s", values
    ).fetchone()
    if row is None:
        return None
    found = conn.execute(
        "SELECT kind, name, record_count FROM matching.name_frequencies"
        " WHERE model_version = %s AND band = %s",
        values,
    ).fetchall()
    db.execute("CREATE OR REPLACE TABLE frequencies (kind TEXT, name TEXT, record_count BIGINT)")
    for at in range(0, len(found), 10_000):
        part = list(zip(*found[at : at + 10_000], strict=True))
        db.execute("INSERT INTO frequencies SELECT unnest(?), unnest(?), unnest(?)",
                   [list(column) for column in part])  # fmt: skip
    return int(row[0])


def freeze(
    conn: Connection, db: duckdb.DuckDBPyConnection, model: Model, band: int, records: int
) -> None:
    """Count the names of `records` and keep the counts for as long as the band lasts."""
    make_frequencies(db)
    conn.execute(
        "INSERT INTO matching.bands (model_version, band, record_count) VALUES (%s, %s, %s)",
        (model.version, band, records),
    )
    rows = f"SELECT '{model.version}', {band}, kind, name, record_count FROM frequencies"
    send(conn, db, rows,
         "matching.name_frequencies (model_version, band, kind, name, record_count)")  # fmt: skip


def fetch_overrides(conn: Connection, db: duckdb.DuckDBPyConnection) -> None:
    """People's decisions in force."""
    fetch(conn, db, _OVERRIDES, "overrides", "a BIGINT, b BIGINT, must BOOLEAN")


def fetch_standing(conn: Connection, db: duckdb.DuckDBPyConnection) -> None:
    """Pairs merged so far, where settings other than the model's own were ever in force."""
    if settings_changed(conn):
        fetch(conn, db, _STANDING, "standing", "a BIGINT, b BIGINT, levels VARCHAR")


def settings_changed(conn: Connection) -> bool:
    """Whether settings other than the model's own were ever in force."""
    query = "SELECT FROM matching.model_versions WHERE model_version LIKE '%+%' LIMIT 1"
    return conn.execute(query).fetchone() is not None


def send_wanted(
    conn: Connection, db: duckdb.DuckDBPyConnection, contacts: str, done: Clustering
) -> None:
    """Temporary tables `wanted` and `refused`: what clustering made of some contacts.

    `wanted` has the cluster of every contact of the DuckDB query `contacts`, `refused` the pairs
    that were not merged because others of their clusters exclude each other.
    """
    conn.execute(
        "CREATE TEMP TABLE wanted (contact_id BIGINT PRIMARY KEY, cluster BIGINT NOT NULL)"
        " ON COMMIT DROP"
    )
    ids = db.execute(contacts).fetchall()
    with conn.cursor().copy("COPY wanted FROM STDIN") as copy:
        for at in range(0, len(ids), 50_000):
            lines = [f"{item}\t{done.of.get(item, item)}\n" for (item,) in ids[at : at + 50_000]]
            copy.write("".join(lines).encode())
    conn.execute(_REFUSED)
    with conn.cursor().copy("COPY refused FROM STDIN") as copy:
        copy.write("".join(f"{min(pair)}\t{max(pair)}\n" for pair in done.refused).encode())
