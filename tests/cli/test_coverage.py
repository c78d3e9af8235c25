"""`bulk-lookup coverage`: what it imports is a partition of Dagster, and wrong use is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.commands import Program, local_program
from tests.fakes.sandbox import running_sandbox

_PARTITIONS = """
    SELECT partition FROM dynamic_partitions
     WHERE partitions_def_name = 'fcc_release' AND partition LIKE '2025-12-31-%' ORDER BY 1
"""


@pytest.fixture
def program(postgres: EmbeddedServer, database: str, tmp_path: Path) -> Iterator[Program]:
    with running_sandbox() as sandbox:
        yield local_program(
            postgres,
            database,
            tmp_path / "home",
            sandbox.url,
            FCC_USERNAME="me",
            FCC_HASH_VALUE="fake",
            FCC_BASE_URL=f"{sandbox.url}/fcc",
        )


def test_states_are_imported_once_and_stand_in_dagster_as_partitions(
    program: Program, postgres: EmbeddedServer
) -> None:
    program("settings", "set", "providers.fcc.requests_per_second", "1000")
    first = program("coverage", "04", "41", "04")
    assert set(first) == {"04", "41"}
    assert {one["as_of"] for one in first.values()} == {"2025-12-31"}
    assert all(one["new"] and one["rows"] > 0 for one in first.values())
    again = program("coverage", "04")
    assert again == {"04": {**first["04"], "new": False}}
    with psycopg.connect(postgres.dsn(roles.DAGSTER_DATABASE)) as conn:
        assert conn.execute(_PARTITIONS).fetchall() == [("2025-12-31-04",), ("2025-12-31-41",)]


def test_a_state_without_files_fails_by_name_and_words_are_wrong_use(program: Program) -> None:
    program("settings", "set", "providers.fcc.requests_per_second", "1000")
    assert program("coverage", "AZ", code=2)["error"]["fix"]
    failed = program("coverage", "98", code=1)["98"]
    assert "no files of state 98" in failed["failed"]
