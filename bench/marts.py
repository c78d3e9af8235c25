"""Incremental builds of the marts at size: exact, and how long beside copying the changed rows.

`python -m bench.marts --contacts 1000000 --json` writes a finished platform by SQL (40 batches a
million, two answers a number), builds all, then changes it: 25,000 new contacts, 25,000 with new
answers, 5,000 whose answers ran out, 1,000 people erased, spread over all contacts. `differs`
counts rows in which any mart, or what one is made from, differs from a full build.
`incremental_vs_copy` is the incremental build over copying the changed contacts' rows by plain SQL.
`page_queries_ms` is the median of 20 for all queries of the dashboard, as the analyst.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.harness import main, median, own_server
from bench.marts_history import CHANGES, HISTORY
from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import build_marts
from bulk_lookup_dagster.storage import migrate, roles
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded import SUPERUSER, EmbeddedServer
from bulk_lookup_dagster.web.dashboard import read_dashboard

Connection = psycopg.Connection[Any]
_RELATIONS = """
    SELECT n.nspname, c.relname,
           (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attname <> 'as_of')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r'
       AND (n.nspname = 'marts' OR n.nspname = 'intermediate' AND c.relname NOT LIKE 'int_changed%')
     ORDER BY 1, 2
"""
_COPY = """
    CREATE TABLE copied AS SELECT * FROM intermediate.int_contacts WHERE subject_id IN
    (SELECT subject_id FROM intermediate.int_changed_subjects)
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Build, change, build again, and compare with a full build."""
    with own_server() as server:
        dsn = server.dsn("bench_marts", roles.OWNER)
        passwords = {role: server.password(role) for role in roles.ROLES}
        admin = server.dsn("postgres", SUPERUSER)
        roles.provision_roles(admin, passwords, {"bench_marts": roles.OWNER})
        migrate.upgrade(dsn)
        platform = _platform(server.dsn("bench_marts"), server.home)
        with connect(server.dsn("bench_marts", SUPERUSER), autocommit=True) as conn:
            return _measure(platform, conn, server, options.contacts)


def _measure(
    platform: Platform, conn: Connection, server: EmbeddedServer, contacts: int
) -> dict[str, Any]:
    for statement in HISTORY:
        conn.execute(statement, {"contacts": contacts})
    full_s = build_marts(platform).seconds
    for statement in CHANGES:
        conn.execute(statement, {"contacts": contacts})
    incremental_s = build_marts(platform).seconds
    copies = [_timed(conn) for _ in range(3)]
    with connect(server.dsn("bench_marts", roles.ANALYST), autocommit=True) as analyst:
        read_dashboard(analyst)
        pages = []
        for _ in range(20):
            start = time.perf_counter()
            read_dashboard(analyst)
            pages.append((time.perf_counter() - start) * 1000)
    changed = conn.execute("SELECT count(*) FROM copied").fetchall()[0][0]
    _keep(conn)
    build_marts(platform, full_refresh=True)
    return {
        "bench": "marts",
        "contacts": contacts,
        "changed": changed,
        "differs": _differing(conn),
        "full_s": round(full_s, 2),
        "incremental_s": round(incremental_s, 2),
        "copy_s": median(copies),
        "incremental_vs_copy": round(incremental_s / median(copies), 2),
        "page_queries_ms": median(pages),
    }


def _timed(conn: Connection) -> float:
    conn.execute("DROP TABLE IF EXISTS copied")
    start = time.perf_counter()
    conn.execute(_COPY)
    return time.perf_counter() - start


def _keep(conn: Connection) -> None:
    conn.execute("CREATE SCHEMA kept")
    for schema, name, _ in conn.execute(_RELATIONS).fetchall():
        table = sql.Identifier("kept", name)
        conn.execute(
            sql.SQL("CREATE TABLE {} AS TABLE {}").format(table, sql.Identifier(schema, name))
        )


def _differing(conn: Connection) -> int:
    total = 0
    for schema, name, columns in conn.execute(_RELATIONS).fetchall():
        query = sql.SQL(
            "SELECT count(*) FROM ((SELECT {0} FROM {1} EXCEPT ALL SELECT {0} FROM {2})"
            " UNION ALL (SELECT {0} FROM {2} EXCEPT ALL SELECT {0} FROM {1})) d"
        ).format(
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.Identifier(schema, name),
            sql.Identifier("kept", name),
        )
        total += conn.execute(query).fetchall()[0][0]
    return total


def _platform(dsn: str, home: Path) -> Platform:
    return Platform(
        environment=read_environment({"BULK_LOOKUP_ENV": "demo", "BULK_LOOKUP_HOME": str(home)}),
        dsn=dsn,
        dagster_dsn=dsn,
        migration_dsn=dsn,
        secret_key=b"bench" * 7,
        embedded=None,
    )


if __name__ == "__main__":
    main(measure, {"name": "--contacts", "type": int, "default": 1_000_000})
