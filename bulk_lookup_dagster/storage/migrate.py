"""Brings a database to a revision of the schema and back.

Belongs here: the functions others call. Does not: the steps (`storage.migrations.versions`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect, describe, sqlalchemy_url

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 7301


def upgrade(dsn: str, revision: str = "head") -> None:
    """Apply every missing step and the roles' rights in one transaction.

    Two starters wait for each other.
    """

    def act(config: Config) -> None:
        command.upgrade(config, revision)
        roles.apply_rights(_driver(config.attributes["connection"]))

    _run(dsn, act)


def downgrade(dsn: str, revision: str) -> None:
    """Take steps back to `revision` (`base` for an empty database) in one transaction."""
    _run(dsn, lambda config: command.downgrade(config, revision))


def current(dsn: str) -> str | None:
    """The revision a database is at; None when it was never migrated."""
    opened = partial(connect, dsn, name="bulk-lookup migrate")  # its errors say what to do
    engine = sa.create_engine(sqlalchemy_url(dsn), poolclass=sa.NullPool, creator=opened)
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def latest() -> str:
    """The newest revision this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise StorageError("This installation holds no migrations.", fix="Install it again.")
    return head


def run_script(name: str) -> None:
    """Run a frozen SQL file inside the running migration's transaction."""
    from alembic import op  # a proxy that exists only while a migration runs

    # The driver's own cursor: no bind parameters, so percent signs stay what they are.
    _driver(op.get_bind()).execute((_FOLDER / "versions" / name).read_bytes())


def _driver(connection: sa.Connection) -> psycopg.Connection[Any]:
    driver: Any = connection.connection.driver_connection
    return cast("psycopg.Connection[Any]", driver)


def _run(dsn: str, action: Callable[[Config], None]) -> None:
    engine = sa.create_engine(sqlalchemy_url(dsn), poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            action(_config(connection))
    except (sa.exc.DBAPIError, psycopg.Error, CommandError) as error:
        raise StorageError(
            f"Migrating the {describe(dsn)} failed: {str(error).splitlines()[0]}",
            fix="Nothing was changed. The role needs the right to create schemas in the database. "
            "A database of another version of this program needs that version; before the first "
            "release, start afresh with another BULK_LOOKUP_HOME or database.",
            code="migration_failed",
        ) from error


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
