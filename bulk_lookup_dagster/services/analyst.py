"""How an analyst's program reaches the marts: the read-only role's address.

Belongs here: host, port, database, user, and where the password comes from.
Does not: what the role may read (`storage.roles`, dbt's `grant_marts`).
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.conninfo import conninfo_to_dict

from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect

_SET = f"ALTER ROLE {roles.ANALYST} PASSWORD '...'"


@dataclass(frozen=True)
class AnalystLogin:
    """Everything a BI tool asks for but the password."""

    host: str
    port: int
    database: str
    user: str
    sslmode: str
    password_from: str

    @property
    def command(self) -> str:
        """The same for psql, which asks for the password."""
        return (
            f'psql "host={self.host} port={self.port} dbname={self.database}'
            f' user={self.user} sslmode={self.sslmode}"'
        )


def analyst_login(platform: Platform) -> AnalystLogin:
    """The address of the analyst's role; opens no connection."""
    parts = conninfo_to_dict(platform.dsn)
    embedded = platform.embedded is not None
    return AnalystLogin(
        host=str(parts.get("host") or "localhost"),
        port=int(parts.get("port") or 5432),
        database=str(parts.get("dbname") or ""),
        user=roles.ANALYST,
        sslmode=str(parts.get("sslmode") or ("disable" if embedded else "prefer")),
        password_from=(
            "The embedded server made it: bulk-lookup analyst --show-password"
            if embedded
            else f"Your database's administrator sets it: {_SET}"
        ),
    )


def require_analyst(platform: Platform) -> None:
    """Raise unless the server has the role: without it, nothing can be reached read-only."""
    with connect(platform.dsn, name="bulk-lookup analyst") as conn:
        found = conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [roles.ANALYST])
        if found.fetchone() is None:
            raise ConfigError(
                f"The server has no role {roles.ANALYST}.",
                fix="Run `bulk-lookup db provision` once, then build the marts.",
            )


def analyst_password(platform: Platform) -> str:
    """The password, where this platform knows it: the embedded server's."""
    if platform.embedded is None:
        raise ConfigError(
            f"The password of {roles.ANALYST} is not stored here.",
            fix=f"As the database's administrator: {_SET}.",
        )
    return platform.embedded.password(roles.ANALYST)
