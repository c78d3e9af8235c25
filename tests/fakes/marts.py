"""Fixtures: one database, told a story and built once for every test of marts and pages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import MartsBuild, build_marts
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.story import platform_of, tell

ESTIMATE = '{"p50_micros": 130000, "max_micros": 150000}'


@pytest.fixture(scope="session")
def marts_database(admin_dsn: str, template: str) -> Iterator[str]:
    name = f"marts_{uuid.uuid4().hex[:12]}"
    with connect(admin_dsn, autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                *map(sql.Identifier, (name, template, roles.OWNER))
            )
        )
    yield name
    with connect(admin_dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def marts_platform(
    postgres: EmbeddedServer, marts_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Platform:
    return platform_of(postgres.dsn(marts_database), tmp_path_factory.mktemp("marts"))


@pytest.fixture(scope="session")
def build(marts_platform: Platform) -> MartsBuild:
    with connect(marts_platform.dsn) as conn:
        tell(conn, ESTIMATE)
    return build_marts(marts_platform, unit_tests=True)


@pytest.fixture
def marts(marts_platform: Platform, build: MartsBuild) -> Iterator[psycopg.Connection[Any]]:
    with connect(marts_platform.dsn, autocommit=True, name="test marts") as conn:
        yield conn
