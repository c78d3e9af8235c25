"""Connections to PostgreSQL.

Belongs here: how a connection is opened and named, and how an address is written.
Does not: statements (see the module that needs them), the embedded server (`storage.embedded`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bulk_lookup_dagster.core.errors import ConfigError, StorageError

_SCHEMES = ("postgresql+psycopg://", "postgresql://", "postgres://")
_CONNECT_SECONDS = 10


def connect(
    dsn: str, *, autocommit: bool = False, name: str = "bulk-lookup"
) -> psycopg.Connection[Any]:
    """Open a connection whose session speaks UTC; `name` shows in `pg_stat_activity`."""
    options = _options(dsn, name)
    try:
        return psycopg.connect(**options, autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise _unreachable(dsn, error) from None


def connect_beside(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Another connection to the same database, as the same role and under the same name."""
    where = conn.info
    try:
        return psycopg.connect(where.dsn, password=where.password)
    except psycopg.OperationalError as error:
        raise _unreachable(
            f"postgresql://{where.host}:{where.port}/{where.dbname}", error
        ) from None


async def connect_async(
    dsn: str, *, autocommit: bool = False, name: str = "bulk-lookup"
) -> psycopg.AsyncConnection[Any]:
    """The same as `connect`, for asyncio code."""
    options = _options(dsn, name)
    try:
        return await psycopg.AsyncConnection.connect(**options, autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise _unreachable(dsn, error) from None


def sqlalchemy_url(dsn: str) -> str:
    """The address with the driver spelled out: bare `postgresql://` is ambiguous there."""
    return _SCHEMES[0] + _rest(dsn)


def plain_dsn(url: str) -> str:
    """The address as psycopg and libpq take it."""
    return _SCHEMES[1] + _rest(url)


def with_database(dsn: str, database: str) -> str:
    """The same server and role, another database."""
    address, question, query = _rest(dsn).partition("?")
    server = address.partition("/")[0]
    return f"{_SCHEMES[1]}{server}/{database}{question}{query}"


def with_login(dsn: str, role: str, password: str, database: str) -> str:
    """The same server, another role and database."""
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    address, question, query = _rest(dsn).partition("?")
    server = address.partition("/")[0].rpartition("@")[2]
    return f"{_SCHEMES[1]}{login}@{server}/{database}{question}{query}"


def as_role(dsn: str, role: str) -> str:
    """The same login, acting as a role it is a member of."""
    return f"{dsn}{'&' if '?' in dsn else '?'}options=-c%20role%3D{quote(role, safe='')}"


def database_name(dsn: str) -> str:
    """The database an address names."""
    return str(_parts(dsn).get("dbname") or "")


def describe(dsn: str) -> str:
    """Where an address points to, without its password."""
    parts = _parts(dsn)
    host, port = parts.get("host", "localhost"), parts.get("port", 5432)
    return f"database {parts.get('dbname', '')!r} on {host}:{port}"


def _rest(dsn: str) -> str:
    for scheme in _SCHEMES:
        if dsn.startswith(scheme):
            return dsn[len(scheme) :]
    raise ConfigError(
        "The database address is not a PostgreSQL URL.",
        fix="Write it as postgresql://user:password@host:5432/database.",
    )


def _parts(dsn: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(plain_dsn(dsn)))
    except psycopg.ProgrammingError:
        raise ConfigError(
            "The database address cannot be read.",
            fix="Write it as postgresql://user:password@host:5432/database; "
            "percent-encode special characters of the password.",
        ) from None


def _options(dsn: str, name: str) -> dict[str, Any]:
    options = _parts(dsn)
    options.setdefault("connect_timeout", _CONNECT_SECONDS)
    options["application_name"] = name
    options["options"] = f"{options.get('options') or ''} -c TimeZone=UTC".strip()
    return options


def _unreachable(dsn: str, error: psycopg.OperationalError) -> StorageError:
    detail = str(error).strip().splitlines()[-1:] or [type(error).__name__]
    return StorageError(
        f"Cannot connect to {describe(dsn)}: {detail[0]}",
        fix="Check that the server runs and that DATABASE_URL names it; "
        "without DATABASE_URL the platform starts its own.",
        code="database_unreachable",
    )
