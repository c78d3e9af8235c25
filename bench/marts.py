"""Incremental builds of the marts at size: exact, and how long beside copying the changed rows.

`python -m bench.marts --contacts 1000000 --json` writes a finished platform by SQL (40 batches a
million, two answers a number), builds all, then changes it: 25,000 new contacts, 25,000 with new
answers, 5,000 whose answers ran out, 1,000 people erased, spread over all contacts. `differs`
counts rows in which any mart, or what one is made from, differs from a full build.
`incremental_vs_copy` is the incremental build, all of it from the first connection to the last
test, over what `bench.marts_copy` says. `page_queries_ms` is the median of 20 for all queries of
the dashboard, warm, as the analyst. `--growth` measures at 1,000,000 and at 4,000,000 contacts with
the same changes and divides; at the larger size nothing but time is measured.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench import marts_copy
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
Part = Callable[[Platform, Connection, EmbeddedServer, int], dict[str, Any]]
_RELATIONS = """
    SELECT n.nspname, c.relname,
           (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attname <> 'as_of')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r'
       AND (n.nspname = 'marts' OR n.nspname = 'intermediate' AND c.relname NOT LIKE 'int_changed%')
     ORDER BY 1, 2
"""
_PAGES = 20
_GROWTH = (1_000_000, 4_000_000)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One size, or what a larger one costs more."""
    if not options.growth:
        return _on_own_server(options.contacts, _compared)
    small, large = (_on_own_server(_GROWTH[0], _compared), _on_own_server(_GROWTH[1], _timed))
    return {
        **small,
        "incremental_growth": round(large["incremental_s"] / small["incremental_s"], 2),
        "page_growth": round(large["page_queries_ms"] / small["page_queries_ms"], 2),
        "large": large,
    }


def _on_own_server(contacts: int, part: Part) -> dict[str, Any]:
    """A part of the measuring on a platform with that many contacts, built once."""
    with own_server() as server:
        dsn = server.dsn("bench_marts", roles.OWNER)
        passwords = {role: server.password(role) for role in roles.ROLES}
        admin = server.dsn("postgres", SUPERUSER)
        roles.provision_roles(admin, passwords, {"bench_marts": roles.OWNER})
        migrate.upgrade(dsn)
        platform = _platform(server.dsn("bench_marts"), server.home)
        with connect(server.dsn("bench_marts", SUPERUSER), autocommit=True) as conn:
            for statement in HISTORY:
                conn.execute(statement, {"contacts": contacts})
            full_s = build_marts(platform).seconds
            found = part(platform, conn, server, contacts)
    return {"bench": "marts", "contacts": contacts, "full_s": round(full_s, 2), **found}


def _compared(
    platform: Platform, conn: Connection, server: EmbeddedServer, contacts: int
) -> dict[str, Any]:
    """Beside the times: those of plain SQL, and whether a full build makes the same rows."""
    marts_copy.keep_rows(conn)
    times = _timed(platform, conn, server, contacts)
    copy_s = marts_copy.time_copy(conn)
    changed = marts_copy.count_changed(conn)
    _keep(conn)
    build_marts(platform, full_refresh=True)
    return {
        **times,
        "changed": changed,
        "copy_s": round(copy_s, 2),
        "incremental_vs_copy": round(times["incremental_s"] / copy_s, 2),
        "differs": _differing(conn),
    }


def _timed(
    platform: Platform, conn: Connection, server: EmbeddedServer, contacts: int
) -> dict[str, Any]:
    """Seconds of the incremental build after the changes, milliseconds of the page."""
    for statement in CHANGES:
        conn.execute(statement, {"contacts": contacts})
    conn.execute("CHECKPOINT")
    seconds = build_marts(platform).seconds
    pages = _page_times(server.dsn("bench_marts", roles.ANALYST))
    return {"incremental_s": round(seconds, 2), "page_queries_ms": median(pages)}


def _page_times(dsn: str) -> list[float]:
    """Milliseconds of all queries of the dashboard, again and again."""
    pages = []
    with connect(dsn, autocommit=True) as analyst:
        read_dashboard(analyst)
        for _ in range(_PAGES):
            start = time.perf_counter()
            read_dashboard(analyst)
            pages.append((time.perf_counter() - start) * 1000)
    return pages


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
    main(
        measure,
        {"name": "--contacts", "type": int, "default": 1_000_000},
        {"name": "--growth", "action": "store_true"},
    )
