"""F19: migrations are transactional, go up and down, and equal the declared schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import sql

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.storage import migrate, roles, triggers
from bulk_lookup_dagster.storage.database import connect, sqlalchemy_url
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from bulk_lookup_dagster.storage.migrations import freeze
from bulk_lookup_dagster.storage.tables import METADATA, SCHEMAS, VIEWS

_CATALOG = {
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace::regnamespace::text = ANY(%s) AND contype <> 'n'
    """,
    "columns": """
        SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull,
               attidentity, pg_get_expr(adbin, adrelid)
          FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
          LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         WHERE relnamespace::regnamespace::text = ANY(%s) AND attnum > 0 AND relkind IN ('r','v')
    """,
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = ANY(%s)",
    "comments": """
        SELECT objoid::regclass::text, objsubid, description
          FROM pg_description JOIN pg_class ON pg_class.oid = objoid
         WHERE classoid = 'pg_class'::regclass AND relnamespace::regnamespace::text = ANY(%s)
    """,
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = ANY(%s)",
    "triggers": """
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(pg_trigger.oid)
          FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
         WHERE NOT tgisinternal AND relnamespace::regnamespace::text = ANY(%s)
    """,
    "functions": """
        SELECT proname, prosrc FROM pg_proc WHERE pronamespace::regnamespace::text = ANY(%s)
    """,
}


@pytest.fixture
def declared(postgres: EmbeddedServer, admin_dsn: str) -> Iterator[str]:
    """A database built straight from the declared tables, without migrations."""
    name = "declared_schema"
    with connect(admin_dsn, autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(roles.OWNER)
            )
        )
    owner = postgres.dsn(name, roles.OWNER)
    engine = sa.create_engine(sqlalchemy_url(owner), poolclass=sa.NullPool)
    with engine.begin() as bind:
        for schema in SCHEMAS:
            bind.execute(sa.schema.CreateSchema(schema))
        METADATA.create_all(bind)
        for function in freeze.create_functions():
            bind.exec_driver_sql(function)
        for view in freeze.ordered_views():
            bind.exec_driver_sql(f"CREATE VIEW {view} AS {VIEWS[view]}".replace("%", "%%"))
        for statement in triggers.create_triggers():
            bind.exec_driver_sql(statement.replace("%", "%%"))
    yield owner
    with connect(admin_dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _catalog(dsn: str, part: str) -> set[tuple[Any, ...]]:
    with connect(dsn) as conn:
        return set(conn.execute(_CATALOG[part], [list(SCHEMAS)]))


def _schemas(conn: psycopg.Connection[Any]) -> set[str]:
    return {row[0] for row in conn.execute("SELECT nspname FROM pg_namespace")}


def test_f19_frozen_files_are_what_the_declared_tables_generate() -> None:
    for name, text in (("up", freeze.up_sql()), ("down", freeze.down_sql())):
        frozen = (freeze.VERSIONS / f"v0001_initial.{name}.sql").read_text()
        assert frozen == text, "run python -m bulk_lookup_dagster.storage.migrations.freeze"


@pytest.mark.parametrize("part", _CATALOG)
def test_f19_migrated_database_equals_the_declared_schema(
    owner_dsn: str, declared: str, part: str
) -> None:
    migrated, expected = _catalog(owner_dsn, part), _catalog(declared, part)
    assert migrated == expected
    assert migrated, f"no {part} were compared"


def test_f19_autogenerate_finds_nothing_to_do(owner_dsn: str) -> None:
    engine = sa.create_engine(sqlalchemy_url(owner_dsn), poolclass=sa.NullPool)
    with engine.connect() as bind:
        options = {"include_schemas": True, "compare_type": True, "compare_server_default": True}
        ours = {"include_name": lambda name, kind, _: kind != "schema" or name in SCHEMAS}
        context = MigrationContext.configure(bind, opts={**options, **ours})
        assert compare_metadata(context, METADATA) == []


def test_f19_down_leaves_nothing_and_up_restores(owner_dsn: str) -> None:
    before = {part: _catalog(owner_dsn, part) for part in _CATALOG}
    assert migrate.current(owner_dsn) == migrate.latest()
    migrate.downgrade(owner_dsn, "base")
    with connect(owner_dsn) as conn:
        assert not _schemas(conn) & set(SCHEMAS)
    assert migrate.current(owner_dsn) is None
    migrate.upgrade(owner_dsn)
    assert {part: _catalog(owner_dsn, part) for part in _CATALOG} == before


def test_f19_a_failing_migration_changes_nothing(owner_dsn: str) -> None:
    migrate.downgrade(owner_dsn, "base")
    with connect(owner_dsn) as conn:
        conn.execute("CREATE SCHEMA ops")  # in the way of the last of seven schemas
    with pytest.raises(StorageError, match="Nothing was changed"):
        migrate.upgrade(owner_dsn)
    with connect(owner_dsn) as conn:
        assert _schemas(conn) & set(SCHEMAS) == {"ops"}
    assert migrate.current(owner_dsn) is None


def test_upgrade_twice_is_harmless(owner_dsn: str) -> None:
    migrate.upgrade(owner_dsn)
    assert migrate.current(owner_dsn) == migrate.latest()
