"""`up` and `down` with the real programs: all answer, all end, whoever dies."""

from __future__ import annotations

import http.client
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bulk_lookup_dagster.core.errors import ConfigError, StorageError
from bulk_lookup_dagster.services import supervisor
from bulk_lookup_dagster.services.children import Identity
from bulk_lookup_dagster.services.dagster_home import DAGSTER_YAML
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.running import read_running
from bulk_lookup_dagster.services.supervisor import down, up
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.programs import started_platform

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environ(postgres: EmbeddedServer, database: str, tmp_path: Path) -> Mapping[str, str]:
    return {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(tmp_path / "home"),
        "DATABASE_URL": postgres.dsn(database),
        "MIGRATION_DATABASE_URL": postgres.dsn(database, roles.OWNER),
        "DAGSTER_DATABASE_URL": postgres.dsn(roles.DAGSTER_DATABASE),
    }


def _get(address: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _graphql(address: str, query: str) -> Any:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        body = json.dumps({"query": query})
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())["data"]
    finally:
        connection.close()


def _recorded(environ: Mapping[str, str]) -> list[Identity]:
    running = read_running(Path(environ["BULK_LOOKUP_HOME"]))
    assert running is not None
    return [running.supervisor, *running.children]


def test_everything_answers_and_ctrl_c_ends_all_of_it(environ: Mapping[str, str]) -> None:
    with started_platform(environ) as (process, addresses):
        assert _get(addresses["dashboard"], "/health/live")[0] == 200
        assert _get(addresses["sandbox"], "/_sandbox/summary")[0] == 200
        query = "{ instance { hasInfo } sensorsOrError(repositorySelector: {repositoryName: "
        query += '"__repository__", repositoryLocationName: "bulk_lookup"}) { ... on Sensors '
        query += "{ results { name sensorState { status } } } } }"
        sensors = _graphql(addresses["dagster"], query)["sensorsOrError"]["results"]
        states = {one["name"]: one["sensorState"]["status"] for one in sensors}
        assert states["uploads_sensor"] == "RUNNING"
        assert set(states.values()) == {"RUNNING"}
        recorded = _recorded(environ)
        assert all(one.alive for one in recorded)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert not any(one.alive for one in recorded)
        assert not down(environ)


def test_f04_down_ends_what_a_killed_supervisor_left(environ: Mapping[str, str]) -> None:
    with started_platform(environ) as (process, _):
        recorded = _recorded(environ)
        process.kill()
        process.wait(10)
        assert all(one.alive for one in recorded[1:])
        assert down(environ)
        assert not any(one.alive for one in recorded)


def test_a_program_that_dies_ends_the_rest_and_says_which(
    platform: Platform, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(supervisor, "_program", lambda _name: [sys.executable, "-c", "pass"])
    with pytest.raises(StorageError, match=r"webserver did not start|daemon did not start"):
        up(platform, lambda _addresses: None, dashboard_port=0, dagster_port=0)
    assert read_running(platform.environment.home) is None


def test_a_second_up_in_the_same_home_is_refused(platform: Platform) -> None:
    with (
        supervisor._alone(platform.environment.home),
        pytest.raises(ConfigError, match="bulk-lookup down"),
    ):
        up(platform, lambda _addresses: None)


def test_dagster_reports_nothing_and_retries_crashes_only() -> None:
    import yaml  # type: ignore[import-untyped]

    document = yaml.safe_load(DAGSTER_YAML)
    assert document["telemetry"] == {"enabled": False}
    assert document["run_retries"]["retry_on_asset_or_op_failure"] is False
    assert document["run_monitoring"]["free_slots_after_run_end_seconds"] > 0
    assert document["storage"]["postgres"]["postgres_url"] == {"env": "DAGSTER_DATABASE_URL"}
