"""Provisioning a server of one's own: idempotent, separated rights, readable by analysts."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services.instance import open_platform
from bulk_lookup_dagster.services.provision import Provisioned, provision, separated_roles
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded import SUPERUSER, EmbeddedServer


@pytest.fixture
def provisioned(postgres: EmbeddedServer, admin_dsn: str) -> Iterator[Provisioned]:
    """A provisioned database; the shared server keeps the passwords it had."""
    passwords = {role: postgres.password(role) for role in roles.ROLES}
    provision(admin_dsn, database="own_server", passwords=passwords)
    yield provision(admin_dsn, database="own_server", passwords=passwords)
    with connect(admin_dsn, autocommit=True) as conn:
        for name in ("own_server", "own_server_dagster"):
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_its_variables_open_the_platform(
    provisioned: Provisioned, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = str(tmp_path_factory.mktemp("home"))
    platform = open_platform({**provisioned.variables, "BULK_LOOKUP_HOME": home})
    assert separated_roles(platform.dsn)
    with connect(platform.dagster_dsn) as conn:
        conn.execute("CREATE TABLE made_by_dagster ()")


def test_running_it_again_changes_no_password(provisioned: Provisioned, admin_dsn: str) -> None:
    again = provision(admin_dsn, database="own_server")
    assert (again.passwords, again.variables) == ({}, {})
    with connect(provisioned.variables["DATABASE_URL"]) as conn:
        assert conn.execute("SELECT current_user::text").fetchone() == (roles.LOADER,)


def test_secrets_do_not_show(provisioned: Provisioned) -> None:
    for password in provisioned.passwords.values():
        assert password not in repr(provisioned)


def test_one_role_for_everything_is_told(postgres: EmbeddedServer, database: str) -> None:
    assert separated_roles(postgres.dsn(database))
    assert not separated_roles(postgres.dsn(database, roles.OWNER))
    assert not separated_roles(postgres.dsn(database, SUPERUSER))


def test_the_application_makes_marts_and_the_analyst_reads_only_those(
    postgres: EmbeddedServer, database: str, dsn: str
) -> None:
    with connect(dsn) as conn:
        conn.execute("CREATE TABLE marts.dim (id int)")
        conn.execute(f"GRANT USAGE ON SCHEMA marts TO {roles.ANALYST}")
        conn.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA marts TO {roles.ANALYST}")
    with connect(postgres.dsn(database, roles.ANALYST), autocommit=True) as conn:
        assert conn.execute("SELECT count(*) FROM marts.dim").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("SELECT count(*) FROM intake.contacts")


def test_the_application_may_not_change_the_schema(dsn: str) -> None:
    for statement in ("CREATE TABLE intake.mine ()", "DROP TABLE ledger.bodies", "CREATE ROLE x"):
        with connect(dsn) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement)


def test_a_strange_database_name_is_refused(admin_dsn: str) -> None:
    with pytest.raises(InputError, match="no database name"):
        provision(admin_dsn, database='x"; DROP DATABASE postgres; --')
