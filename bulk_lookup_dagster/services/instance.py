"""Opens the platform: server, databases, schema, secret key, and their binding to each other.

Belongs here: everything that must be true before any use case runs. Does not: use cases.
"""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bulk_lookup_dagster.core.environment import CHECKOUT, Environment, read_environment
from bulk_lookup_dagster.core.errors import ConfigError, StorageError
from bulk_lookup_dagster.storage import migrate, roles
from bulk_lookup_dagster.storage.database import (
    connect,
    database_name,
    plain_dsn,
    with_database,
)
from bulk_lookup_dagster.storage.embedded import EmbeddedServer

_KEY_FILE = "secret.key"
_FINGERPRINT_BYTES = 16


@dataclass(frozen=True)
class Platform:
    """An open platform: where everything is, and that it belongs together."""

    environment: Environment
    dsn: str = field(repr=False)
    dagster_dsn: str = field(repr=False)
    migration_dsn: str = field(repr=False)
    secret_key: bytes = field(repr=False)
    embedded: EmbeddedServer | None = field(repr=False)

    def stop(self) -> None:
        """Stop the embedded server, if this platform has one; data stay."""
        if self.embedded is not None:
            self.embedded.stop()


def with_dotenv(environ: Mapping[str, str], path: Path = CHECKOUT / ".env") -> dict[str, str]:
    """The environment with what `.env` of the checkout adds; what is set already wins."""
    from dotenv import dotenv_values

    stored = {name: value for name, value in dotenv_values(path).items() if value}
    return {**stored, **environ}


def open_platform(environ: Mapping[str, str]) -> Platform:
    """Start what must run, migrate what must be migrated, and check that all of it fits."""
    environment = read_environment(environ)
    _make_home(environment.home)
    addresses, server = reach(environment)
    if migrate.current(addresses.migration) != migrate.latest():
        migrate.upgrade(addresses.migration)
    with connect(addresses.platform, name="bulk-lookup open") as conn:
        key = _secret_key(conn, environment)
        _bind(conn, environment.name, key)
    return Platform(
        environment=environment,
        dsn=addresses.platform,
        dagster_dsn=addresses.dagster,
        migration_dsn=addresses.migration,
        secret_key=key,
        embedded=server,
    )


def embedded_server(environment: Environment) -> EmbeddedServer | None:
    """The server this environment would start itself; None when `DATABASE_URL` names one."""
    if environment.database_url is not None:
        return None
    return EmbeddedServer(environment.home, pg_bin=environment.pg_bin)


@dataclass(frozen=True)
class Addresses:
    """The databases: the platform's, Dagster's, and the platform's as its owner."""

    platform: str = field(repr=False)
    dagster: str = field(repr=False)
    migration: str = field(repr=False)


def reach(environment: Environment) -> tuple[Addresses, EmbeddedServer | None]:
    """Start the embedded server, if it is ours, and say where the databases are."""
    server = embedded_server(environment)
    if server is not None:
        server.start()
        platform = server.dsn(roles.PLATFORM_DATABASE)
        migration = server.dsn(roles.PLATFORM_DATABASE, roles.OWNER)
        dagster = environment.dagster_database_url or server.dsn(roles.DAGSTER_DATABASE)
        return Addresses(platform, plain_dsn(dagster), migration), server
    platform = plain_dsn(environment.database_url or "")
    migration = plain_dsn(environment.migration_database_url or platform)
    dagster = environment.dagster_database_url or _second_database(platform)
    return Addresses(platform, plain_dsn(dagster), migration), None


def _second_database(platform: str) -> str:
    """Dagster's database beside the platform's, created when the role may."""
    name = f"{database_name(platform)}_dagster"
    with connect(platform, autocommit=True, name="bulk-lookup open") as conn:
        if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            try:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                pass  # another process was faster
            except psycopg.errors.InsufficientPrivilege:
                raise ConfigError(
                    f"Dagster's database {name!r} does not exist and this role may not create it.",
                    fix="Run `bulk-lookup db provision`, or set DAGSTER_DATABASE_URL.",
                ) from None
    return with_database(platform, name)


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o711)
        (home / "files").mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(
            f"The folder {home} cannot be made: {error.strerror}.", fix="Set BULK_LOOKUP_HOME."
        ) from None


def _secret_key(conn: psycopg.Connection[Any], environment: Environment) -> bytes:
    """The configured key, the stored one, or, for a database bound to none yet, a new one."""
    if environment.secret_key is not None:
        return environment.secret_key
    path = environment.home / _KEY_FILE
    if not path.exists():
        # Looked for again, because another first start makes the key before it binds.
        if _bound(conn) is not None and not path.exists():
            raise ConfigError(
                f"The secret key of the database {conn.info.dbname!r} is missing.",
                fix=f"Restore {path} from its backup, or set BULK_LOOKUP_SECRET_KEY.",
                code="secret_key_missing",
            )
        _create_key(path)
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    try:
        return bytes.fromhex(path.read_text().strip())
    except ValueError:
        raise ConfigError(f"{path} holds no key.", fix="Restore it from its backup.") from None


def _create_key(path: Path) -> None:
    descriptor, building = tempfile.mkstemp(prefix="secret.", dir=path.parent)  # mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(building)  # never replaces a key another process just made
    except FileExistsError:
        pass
    finally:
        Path(building).unlink()


def key_fingerprint(key: bytes) -> bytes:
    """What tells a key from others without telling the key."""
    return hmac.digest(key, b"bulk-lookup instance", "sha256")[:_FINGERPRINT_BYTES]


def stored_key(environment: Environment) -> bytes | None:
    """The key that is configured or lies in the home; None where there is none yet."""
    if environment.secret_key is not None:
        return environment.secret_key
    path = environment.home / _KEY_FILE
    return _read_key(path) if path.exists() else None


def _bind(conn: psycopg.Connection[Any], environment: str, key: bytes) -> None:
    fingerprint = key_fingerprint(key)
    conn.execute(
        "INSERT INTO ops.instance (singleton, environment, key_fingerprint) "
        "VALUES (true, %s, %s) ON CONFLICT DO NOTHING",
        [environment, fingerprint],
    )
    conn.commit()
    bound = _bound(conn)
    if bound is None:
        raise StorageError("The instance row is missing.", fix="Run `bulk-lookup doctor`.")
    where = f"The database {conn.info.dbname!r}"
    if bound[0] != environment:
        raise ConfigError(
            f"{where} belongs to environment {bound[0]!r}, not {environment!r}.",
            fix="Set BULK_LOOKUP_ENV back, or use another database (BULK_LOOKUP_HOME or "
            "DATABASE_URL): sandbox answers never sit where real ones are bought.",
            code="other_environment",
        )
    if not hmac.compare_digest(bound[1], fingerprint):
        raise ConfigError(
            f"{where} was made with another secret key.",
            fix=f"Restore {_KEY_FILE} from its backup, or set BULK_LOOKUP_SECRET_KEY to the key "
            "this database was made with.",
            code="other_secret_key",
        )


def _bound(conn: psycopg.Connection[Any]) -> tuple[str, bytes] | None:
    row = conn.execute("SELECT environment, key_fingerprint FROM ops.instance").fetchone()
    return None if row is None else (row[0], bytes(row[1]))
