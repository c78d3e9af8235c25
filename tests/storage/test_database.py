"""Addresses and connections."""

from __future__ import annotations

import asyncio

import pytest

from bulk_lookup_dagster.core.errors import ConfigError, StorageError
from bulk_lookup_dagster.storage import migrate
from bulk_lookup_dagster.storage.database import (
    as_role,
    connect,
    connect_async,
    database_name,
    describe,
    plain_dsn,
    sqlalchemy_url,
    with_database,
    with_login,
)

PLAIN = "postgresql://me:test%40x@db.example:6543/main?sslmode=require"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_the_scheme_is_understood(scheme: str) -> None:
    address = PLAIN.replace("postgresql", scheme)
    assert plain_dsn(address) == PLAIN
    assert sqlalchemy_url(address) == PLAIN.replace("postgresql", "postgresql+psycopg")


def test_parts_are_exchanged_without_touching_the_rest() -> None:
    assert with_database(PLAIN, "other") == PLAIN.replace("/main", "/other")
    assert with_login(PLAIN, "you", "test/b@c", "other") == (
        "postgresql://you:test%2Fb%40c@db.example:6543/other?sslmode=require"
    )
    assert database_name(PLAIN) == "main"


def test_a_description_has_no_password() -> None:
    assert describe(PLAIN) == "database 'main' on db.example:6543"


@pytest.mark.parametrize("address", ["mysql://x/y", "db.example", "", "postgresql://[::1"])
def test_other_addresses_are_refused_with_an_example(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        connect(address)
    assert "postgresql://" in caught.value.fix


def test_sessions_speak_utc_and_carry_their_name(dsn: str) -> None:
    query = "SELECT current_setting('TimeZone'), current_setting('application_name')"
    with connect(dsn, name="a name") as conn:
        assert conn.execute(query).fetchone() == ("UTC", "a name")

    async def ask() -> object:
        async with await connect_async(dsn, name="async name") as conn:
            return await (await conn.execute(query)).fetchone()

    assert asyncio.run(ask()) == ("UTC", "async name")


def test_async_failures_are_typed_too() -> None:
    with pytest.raises(StorageError, match="Cannot connect"):
        asyncio.run(connect_async("postgresql://x@127.0.0.1:1/db"))


def test_acting_as_a_role(superuser_dsn: str) -> None:
    with connect(as_role(superuser_dsn, "bulk_lookup_owner")) as conn:
        assert conn.execute("SELECT current_user::text").fetchone() == ("bulk_lookup_owner",)


def test_a_database_of_a_newer_program_is_refused(owner_dsn: str) -> None:
    with connect(owner_dsn) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match="9999") as caught:
        migrate.upgrade(owner_dsn)
    assert "another version" in caught.value.fix
