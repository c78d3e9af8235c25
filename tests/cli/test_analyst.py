"""`bulk-lookup analyst`: an address that works, and a password only when asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from bulk_lookup_dagster.cli import app
from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.services.analyst import require_analyst
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.embedded import EmbeddedServer


def printed(*arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, ["analyst", *arguments, "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Platform:
    monkeypatch.setattr(frame, "open_platform", lambda: platform)
    return platform


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch, platform: Platform, postgres: EmbeddedServer) -> None:
    made = replace(platform, embedded=postgres)
    monkeypatch.setattr(frame, "open_platform", lambda: made)


@pytest.mark.usefixtures("embedded")
def test_the_address_works_and_the_password_is_shown_only_when_asked(
    postgres: EmbeddedServer,
) -> None:
    assert postgres.password(roles.ANALYST) not in json.dumps(printed())
    login = printed("--show-password")
    login["dbname"] = login.pop("database")
    del login["password_from"]
    with psycopg.connect(**login) as conn:
        assert conn.execute("SELECT current_user").fetchone() == (roles.ANALYST,)


@pytest.mark.usefixtures("own")
def test_on_a_server_of_ones_own_it_tells_who_sets_the_password() -> None:
    assert "ALTER ROLE bulk_lookup_analyst" in printed()["password_from"]
    refused = printed("--show-password", code=2)
    assert "administrator" in refused["error"]["fix"]


def test_people_get_a_line_for_psql(own: Platform) -> None:
    done = CliRunner().invoke(app, ["analyst"])
    assert done.exit_code == 0
    assert 'psql "host=127.0.0.1' in done.stdout
    assert own.dsn.split(":")[2].split("@")[0] not in done.stdout


def test_a_server_without_the_role_is_named(monkeypatch: pytest.MonkeyPatch, own: Platform) -> None:
    monkeypatch.setattr(roles, "ANALYST", "nobody_here")
    with pytest.raises(ConfigError) as refused:
        require_analyst(own)
    assert "db provision" in (refused.value.fix or "")
