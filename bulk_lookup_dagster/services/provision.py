"""Makes roles and databases on a server of yours, once, with an administrator's address.

Belongs here: `bulk-lookup db provision`. Does not: the embedded server, which does this itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.storage import migrate, roles
from bulk_lookup_dagster.storage.database import (
    as_role,
    connect,
    with_database,
    with_login,
)


@dataclass(frozen=True)
class Provisioned:
    """Passwords made or set, and the variables that use them: shown once, stored nowhere."""

    variables: Mapping[str, str] = field(repr=False)
    passwords: Mapping[str, str] = field(repr=False)


def provision(
    admin_dsn: str,
    *,
    database: str = roles.PLATFORM_DATABASE,
    passwords: Mapping[str, str] | None = None,
) -> Provisioned:
    """Create roles and databases that are missing, migrate, grant; safe to run again.

    Roles that exist keep their password unless one is given here.
    """
    if not database.isidentifier():
        raise InputError(
            f"{database!r} is no database name.", fix="Use letters, digits and underscores."
        )
    made = {role: secrets.token_urlsafe(24) for role in roles.missing_roles(admin_dsn)}
    known = {**made, **(passwords or {})}
    dagster = f"{database}_dagster"
    roles.provision_roles(admin_dsn, known, {database: roles.OWNER, dagster: roles.LOADER})
    owner = as_role(with_database(admin_dsn, database), roles.OWNER)
    migrate.upgrade(owner)
    logins = {
        "DATABASE_URL": (roles.LOADER, database),
        "MIGRATION_DATABASE_URL": (roles.OWNER, database),
        "DAGSTER_DATABASE_URL": (roles.LOADER, dagster),
    }
    variables = {
        name: with_login(admin_dsn, role, known[role], where)
        for name, (role, where) in logins.items()
        if role in known
    }
    return Provisioned(variables=variables, passwords=known)


def separated_roles(dsn: str) -> bool:
    """Whether the application runs without the rights of the tables' owner."""
    with connect(dsn, name="bulk-lookup doctor") as conn:
        row = conn.execute(
            "SELECT NOT pg_has_role(current_user, tableowner, 'MEMBER') FROM pg_tables "
            "WHERE schemaname = 'ledger' AND tablename = 'claims'"
        ).fetchone()
    return bool(row and row[0])
