"""Database roles, databases and what each role may do.

Belongs here: CREATE ROLE, CREATE DATABASE, GRANT. Does not: tables (`storage.migrate`).
Where the rights to create roles are missing, everything runs on one role and `doctor` says so.

    bulk_lookup_owner      owns the tables; migrations only
    bulk_lookup_loader     the application; no DELETE on protected tables, not superuser
    bulk_lookup_operator   support staff: reads everything but the instance's key fingerprint
    bulk_lookup_analyst    BI tools and notebooks: reads the marts
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from bulk_lookup_dagster.storage.database import connect, with_database
from bulk_lookup_dagster.storage.tables import SCHEMAS
from bulk_lookup_dagster.storage.triggers import PROTECTED

OWNER = "bulk_lookup_owner"
LOADER = "bulk_lookup_loader"
OPERATOR = "bulk_lookup_operator"
ANALYST = "bulk_lookup_analyst"
ROLES = (OWNER, LOADER, OPERATOR, ANALYST)

PLATFORM_DATABASE = "bulk_lookup"
DAGSTER_DATABASE = "dagster"
MART_SCHEMAS = ("staging", "intermediate", "marts")


def provision_roles(
    admin_dsn: str,
    passwords: Mapping[str, str],
    databases: Mapping[str, str] | None = None,
) -> None:
    """Create the roles and databases that are missing and set the passwords given; idempotent.

    `databases` maps a database to its owning role.
    """
    wanted = databases or {PLATFORM_DATABASE: OWNER, DAGSTER_DATABASE: LOADER}
    with connect(admin_dsn, autocommit=True, name="bulk-lookup provision") as conn:
        _make_roles(conn, passwords)
        existing = _column(conn, "SELECT datname FROM pg_database")
        for database, owner in wanted.items():
            names = (sql.Identifier(database), sql.Identifier(owner))
            if database not in existing:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(names[0]))
            conn.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(*names))
    _prepare_mart_schemas(with_database(admin_dsn, next(iter(wanted))))


def missing_roles(admin_dsn: str) -> tuple[str, ...]:
    """The roles this server does not have yet."""
    with connect(admin_dsn, name="bulk-lookup provision") as conn:
        known = _column(conn, "SELECT rolname FROM pg_roles")
    return tuple(role for role in ROLES if role not in known)


def apply_rights(conn: psycopg.Connection[Any]) -> bool:
    """Grant each role what it needs on the migrated tables, as their owner; False without roles.

    Nothing is committed: a migration and its rights are one transaction.
    """
    if not set(ROLES) <= _column(conn, "SELECT rolname FROM pg_roles"):
        return False
    if _column(conn, "SELECT current_user") != {OWNER}:
        return False
    existing = _column(conn, "SELECT nspname FROM pg_namespace")
    for schema in existing.intersection(SCHEMAS):
        _grant(conn, "USAGE ON SCHEMA", schema, (LOADER, OPERATOR))
        _grant(conn, "SELECT ON ALL TABLES IN SCHEMA", schema, (LOADER, OPERATOR))
        _grant(conn, "INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA", schema, (LOADER,))
        _grant(conn, "USAGE ON ALL SEQUENCES IN SCHEMA", schema, (LOADER,))
        if schema == "intake":
            # Intake takes its ids by the block, which is `setval`.
            _grant(conn, "UPDATE ON ALL SEQUENCES IN SCHEMA", schema, (LOADER,))
    _grant(conn, "SELECT ON ALL TABLES IN SCHEMA", "public", (LOADER, OPERATOR))
    for table in PROTECTED:
        schema, _, name = table.partition(".")
        if schema in existing:
            conn.execute(
                sql.SQL("REVOKE DELETE ON {} FROM {}").format(
                    sql.Identifier(schema, name), sql.Identifier(LOADER)
                )
            )
    return True


def _make_roles(conn: psycopg.Connection[Any], passwords: Mapping[str, str]) -> None:
    known = _column(conn, "SELECT rolname FROM pg_roles")
    for role in ROLES:
        name = sql.Identifier(role)
        if role not in known:
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        if role in passwords:
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
            conn.execute(statement.format(name, sql.Literal(passwords[role])))
    if _column(conn, "SELECT current_setting('is_superuser')") == {"off"}:
        # A managed server's administrator hands things only to roles it is a member of.
        members = sql.SQL(", ").join(map(sql.Identifier, (OWNER, LOADER)))
        conn.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(members))


def _prepare_mart_schemas(platform_dsn: str) -> None:
    with connect(platform_dsn, name="bulk-lookup provision") as conn:
        for schema in MART_SCHEMAS:
            conn.execute(
                sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(
                    sql.Identifier(schema), sql.Identifier(LOADER)
                )
            )


def _grant(conn: psycopg.Connection[Any], right: str, schema: str, roles: tuple[str, ...]) -> None:
    conn.execute(
        sql.SQL("GRANT {} {} TO {}").format(
            sql.SQL(right),
            sql.Identifier(schema),
            sql.SQL(", ").join(map(sql.Identifier, roles)),
        )
    )


def _column(conn: psycopg.Connection[Any], query: str) -> set[str]:
    return {row[0] for row in conn.execute(query)}
