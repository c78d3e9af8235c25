"""Rules the whole schema keeps: F15, F56, F57, read from the real catalog."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.storage.tables import METADATA, SCHEMAS

_TABLE_NAMES = sorted(METADATA.tables)
_FOREIGN_KEYS_WITHOUT_INDEX = """
    SELECT conrelid::regclass::text, conname FROM pg_constraint c
     WHERE contype = 'f' AND connamespace::regnamespace::text = ANY(%(schemas)s)
       AND NOT EXISTS (
         SELECT FROM pg_index i
          WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]
            AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid)
                 = format('(%%I IS NOT NULL)', (SELECT attname FROM pg_attribute
                    WHERE attrelid = c.conrelid AND attnum = c.conkey[1]))))
"""
_REDUNDANT_INDEXES = """
    SELECT a.indexrelid::regclass::text, b.indexrelid::regclass::text
      FROM pg_index a JOIN pg_index b
        ON a.indrelid = b.indrelid AND a.indexrelid <> b.indexrelid
       AND (b.indkey::text || ' ') LIKE (a.indkey::text || ' %%')
      JOIN pg_class t ON t.oid = a.indrelid
     WHERE t.relnamespace::regnamespace::text = ANY(%(schemas)s)
       AND a.indexprs IS NULL AND b.indexprs IS NULL
       AND (b.indpred IS NULL OR b.indpred::text = a.indpred::text)
       AND (NOT a.indisunique OR (b.indisunique AND a.indkey::text = b.indkey::text))
"""
_TEXT_WITHOUT_LENGTH = """
    SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod)
      FROM pg_attribute a JOIN pg_class t ON t.oid = attrelid
     WHERE relnamespace::regnamespace::text = ANY(%(schemas)s) AND relkind = 'r' AND attnum > 0
       AND NOT attisdropped
       AND (atttypid IN ('text'::regtype, 'text[]'::regtype)
            OR (atttypid IN ('varchar'::regtype, 'varchar[]'::regtype) AND atttypmod = -1))
"""


def _rows(conn: psycopg.Connection[Any], query: str) -> set[tuple[Any, ...]]:
    return set(conn.execute(query, {"schemas": list(SCHEMAS)}))


def test_f15_every_foreign_key_states_what_a_delete_does() -> None:
    undecided = [
        f"{table.fullname}.{key.parent.name}"
        for table in METADATA.tables.values()
        for key in table.foreign_keys
        if key.ondelete not in {"CASCADE", "RESTRICT", "SET NULL"}
    ]
    assert undecided == []


def test_f15_what_is_set_to_null_may_be_null() -> None:
    broken = [
        f"{table.fullname}.{key.parent.name}"
        for table in METADATA.tables.values()
        for key in table.foreign_keys
        if key.ondelete == "SET NULL" and not key.parent.nullable
    ]
    assert broken == []


def test_f15_the_database_agrees_about_deletes(conn: psycopg.Connection[Any]) -> None:
    actions = {"c": "CASCADE", "r": "RESTRICT", "n": "SET NULL"}
    found = {
        (table, actions.get(action, action))
        for table, action in _rows(
            conn,
            "SELECT conrelid::regclass || '.' || attname, confdeltype::text FROM pg_constraint "
            "JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey) "
            "WHERE contype = 'f' AND connamespace::regnamespace::text = ANY(%(schemas)s)",
        )
    }
    declared = {
        (f"{table.fullname}.{key.parent.name}", key.ondelete)
        for table in METADATA.tables.values()
        for key in table.foreign_keys
    }
    assert found == declared


def test_f56_every_foreign_key_has_an_index(conn: psycopg.Connection[Any]) -> None:
    missing = _rows(
        conn,
        _FOREIGN_KEYS_WITHOUT_INDEX,
    )
    assert missing == set()


def test_f56_no_index_repeats_the_beginning_of_another(conn: psycopg.Connection[Any]) -> None:
    redundant = _rows(
        conn,
        _REDUNDANT_INDEXES,
    )
    assert redundant == set()


def test_f57_every_text_has_a_greatest_length(conn: psycopg.Connection[Any]) -> None:
    unbounded = _rows(
        conn,
        _TEXT_WITHOUT_LENGTH,
    )
    assert unbounded == set()


@pytest.mark.parametrize(
    "kind,measure",
    [("jsonb", "pg_column_size"), ("bytea", "octet_length"), ("ARRAY", "cardinality")],
)
def test_f57_every_document_digest_and_list_is_bounded(
    conn: psycopg.Connection[Any], kind: str, measure: str
) -> None:
    checks = " ".join(
        row[0]
        for row in _rows(
            conn,
            "SELECT conrelid::regclass || ': ' || pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'c' AND connamespace::regnamespace::text = ANY(%(schemas)s)",
        )
    )
    columns = conn.execute(
        "SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns "
        "JOIN information_schema.tables USING (table_schema, table_name) "
        "WHERE table_type = 'BASE TABLE' AND data_type = %s AND table_schema = ANY(%s)",
        [kind, list(SCHEMAS)],
    ).fetchall()
    assert columns
    unbounded = [
        (table, column) for table, column in columns if f"{measure}({column}) <=" not in checks
    ]
    assert unbounded == []


def test_f57_times_are_moments_not_wall_clocks(conn: psycopg.Connection[Any]) -> None:
    naive = _rows(
        conn,
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = ANY(%(schemas)s) AND data_type IN "
        "('timestamp without time zone', 'time without time zone', 'time with time zone')",
    )
    assert naive == set()


def test_f57_ends_are_never_before_beginnings() -> None:
    pairs = [
        ("started_at", "finished_at"),
        ("started_at", "ended_at"),
        ("fetched_at", "expires_at"),
    ]
    unchecked = [
        f"{name}: {start} <= {end}"
        for name, table in METADATA.tables.items()
        for start, end in pairs
        if {start, end} <= set(table.c.keys()) and f"{end} >= {start}" not in _checks(name)
    ]
    assert unchecked == []


def _checks(table: str) -> str:
    return " ".join(
        str(constraint.sqltext)
        for constraint in METADATA.tables[table].constraints
        if hasattr(constraint, "sqltext")
    )


def test_f57_longer_text_is_refused_not_cut(conn: psycopg.Connection[Any]) -> None:
    conn.execute("INSERT INTO intake.sources (name) VALUES (%s)", ["x" * 100])
    with pytest.raises(psycopg.errors.StringDataRightTruncation):
        conn.execute("INSERT INTO intake.sources (name) VALUES (%s)", ["x" * 101])


@pytest.mark.parametrize("table", _TABLE_NAMES)
def test_every_table_says_what_a_row_is(table: str) -> None:
    assert METADATA.tables[table].comment


def test_f56_f57_what_is_planted_is_found(conn: psycopg.Connection[Any], owner_dsn: str) -> None:
    """The lists above are empty because the schema is right, not because they see nothing."""
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("CREATE TABLE ops.bad (id bigint PRIMARY KEY, name text, code varchar)")
        owner.execute("ALTER TABLE ops.bad ADD source_id bigint REFERENCES intake.sources")
        owner.execute("CREATE INDEX bad_code ON ops.bad (code)")
        owner.execute("CREATE INDEX bad_both ON ops.bad (code, name)")
        owner.execute("CREATE INDEX bad_some ON ops.bad (name) WHERE code = 'x'")
        owner.execute("CREATE INDEX bad_again ON ops.bad (name) WHERE code = 'x'")
    assert _rows(conn, _FOREIGN_KEYS_WITHOUT_INDEX) == {("ops.bad", "bad_source_id_fkey")}
    assert {first for first, _ in _rows(conn, _REDUNDANT_INDEXES)} == {
        *("ops.bad_code", "ops.bad_some", "ops.bad_again"),
    }
    assert {column for _, column, _ in _rows(conn, _TEXT_WITHOUT_LENGTH)} == {"name", "code"}
