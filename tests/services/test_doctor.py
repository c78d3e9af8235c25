"""The doctor: every finding comes, whatever is broken, and says what to do; it spends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.environment import Environment, read_environment
from bulk_lookup_dagster.services import doctor
from bulk_lookup_dagster.services.doctor import examine
from bulk_lookup_dagster.services.findings import Finding
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.provider_checks import examine_providers
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.storage import migrate, roles
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from resources.registry import VENDORS
from tests.fakes.sandbox import SandboxProcess, running_sandbox

NAMES = [
    "database",
    "migrations",
    "pooler",
    "roles",
    "clock",
    "disk",
    "files",
    "versions",
    "twilio_lookup",
]
NOWHERE = "postgresql://nobody:hidden-word@127.0.0.1:9/nothing"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def _environment(home: Path, **variables: str) -> Environment:
    environ = {"BULK_LOOKUP_ENV": "local", "BULK_LOOKUP_HOME": str(home), **variables}
    return read_environment(environ)


@pytest.fixture
def healthy(platform: Platform, sandbox: SandboxProcess) -> Platform:
    """A platform as a person runs it, its vendor played by the sandbox."""
    environment = _environment(
        platform.environment.home,
        TWILIO_API_KEY="SKsandbox-word",
        TWILIO_API_SECRET="sandbox-secret",
        TWILIO_LOOKUP_BASE_URL=sandbox.url,
    )
    return replace(platform, environment=environment)


def found(platform: Platform) -> dict[str, Finding]:
    """The findings by name; each that is not well says what to do, and none tells a secret."""
    findings = examine(platform)
    assert [finding.name for finding in findings] == NAMES
    for finding in findings:
        assert finding.detail
        assert bool(finding.fix) is (finding.level != "ok"), finding
        assert "hidden-word" not in finding.detail + finding.fix
    return {finding.name: finding for finding in findings}


def levels(findings: dict[str, Finding], *without: str) -> set[str]:
    return {finding.level for name, finding in findings.items() if name not in without}


def test_everything_in_order_is_ok(healthy: Platform) -> None:
    findings = found(healthy)
    assert levels(findings) == {"ok"}
    assert findings["database"].detail.startswith("PostgreSQL ")
    assert findings["migrations"].detail == f"at {migrate.latest()}"
    assert "Twilio Lookup v2" in findings["versions"].detail


def test_checking_credentials_spends_nothing(healthy: Platform, sandbox: SandboxProcess) -> None:
    sandbox.control("DELETE", "log")
    assert found(healthy)["twilio_lookup"].level == "ok"
    summary = sandbox.control("GET", "summary")
    assert summary["statuses"] == {"200": 1}  # it was asked, and about no package
    assert (summary["cost_micros"], summary["billed"]) == (0, 0)


def test_an_unreachable_database_fails_what_needs_it_and_nothing_else(healthy: Platform) -> None:
    findings = found(replace(healthy, dsn=NOWHERE, migration_dsn=NOWHERE))
    for name in ("database", "migrations", "pooler", "roles", "clock", "twilio_lookup"):
        assert findings[name].level == "fail", name
        assert "127.0.0.1:9" in findings[name].detail
        assert "DATABASE_URL" in findings[name].fix
    assert (findings["disk"].level, findings["versions"].level) == ("ok", "ok")


def test_a_database_without_the_schema_names_the_command_that_makes_it(
    healthy: Platform,
) -> None:
    migrate.downgrade(healthy.migration_dsn, "base")
    findings = found(healthy)
    assert findings["migrations"].level == "fail"
    assert findings["migrations"].fix == "Run: bulk-lookup db upgrade."
    assert findings["twilio_lookup"].level == "fail"  # the settings cannot be read
    assert (findings["database"].level, findings["clock"].level) == ("ok", "ok")


@pytest.mark.parametrize(
    "variables,named",
    [
        ({"TWILIO_API_KEY": "SKsandbox-word"}, "TWILIO_API_SECRET"),
        ({"TWILIO_API_SECRET": "hidden-word"}, "TWILIO_API_KEY"),
        ({"TWILIO_ACCOUNT_SID": "ACsandbox"}, "TWILIO_AUTH_TOKEN"),
        (
            {"TWILIO_API_KEY": "SKsandbox-word", "TWILIO_AUTH_TOKEN": "hidden-word"},
            "TWILIO_API_SECRET",
        ),
    ],
)
def test_f28_half_a_credential_pair_is_told_and_nobody_is_asked(
    platform: Platform, sandbox: SandboxProcess, variables: dict[str, str], named: str
) -> None:
    sandbox.control("DELETE", "log")
    address = {"TWILIO_LOOKUP_BASE_URL": sandbox.url}
    environment = _environment(platform.environment.home, **variables, **address)
    findings = found(replace(platform, environment=environment))
    assert findings["twilio_lookup"].level == "fail"
    assert named in findings["twilio_lookup"].detail
    assert levels(findings, "twilio_lookup") == {"ok"}
    assert sandbox.control("GET", "summary")["requests"] == 0


def test_f28_refused_credentials_are_told_with_the_names_of_their_variables(
    platform: Platform, sandbox: SandboxProcess
) -> None:
    refused_by_the_sandbox = "wrong"
    environment = _environment(
        platform.environment.home,
        TWILIO_API_KEY="SKhidden-word",
        TWILIO_API_SECRET=refused_by_the_sandbox,
        TWILIO_LOOKUP_BASE_URL=sandbox.url,
    )
    finding = found(replace(platform, environment=environment))["twilio_lookup"]
    assert (finding.level, "refused the credentials" in finding.detail) == ("fail", True)
    assert "TWILIO_API_SECRET" in finding.fix


def test_a_vendor_that_cannot_be_reached_is_told(platform: Platform) -> None:
    environment = _environment(
        platform.environment.home,
        TWILIO_API_KEY="SKsandbox-word",
        TWILIO_API_SECRET="hidden-word",
        TWILIO_LOOKUP_BASE_URL="http://127.0.0.1:9",
    )
    findings = found(replace(platform, environment=environment))
    assert findings["twilio_lookup"].level == "fail"
    assert levels(findings, "twilio_lookup") == {"ok"}


def test_no_credentials_and_a_switched_off_provider_are_warnings(
    platform: Platform, healthy: Platform, conn: psycopg.Connection[Any]
) -> None:
    bare = replace(platform, environment=_environment(platform.environment.home))
    finding = found(bare)["twilio_lookup"]
    assert (finding.level, "no credentials" in finding.detail) == ("warn", True)
    assert ".env.example" in finding.fix
    change_settings(conn, "providers.twilio_lookup.enabled", "false", "ann")
    finding = found(healthy)["twilio_lookup"]
    assert (finding.level, "switched off" in finding.detail) == ("warn", True)
    assert "settings set providers.twilio_lookup.enabled true" in finding.fix


def test_the_demo_without_its_sandbox_is_in_order(platform: Platform) -> None:
    finding = found(platform)["twilio_lookup"]
    assert (finding.level, "sandbox does not run" in finding.detail) == ("ok", True)


def test_one_role_for_everything_is_a_warning(
    healthy: Platform, postgres: EmbeddedServer, database: str
) -> None:
    owner = postgres.dsn(database, roles.OWNER)
    findings = found(replace(healthy, dsn=owner))
    assert (findings["roles"].level, levels(findings, "roles")) == ("warn", {"ok"})
    assert "db provision" in findings["roles"].fix


@pytest.mark.parametrize(
    "limit,value,name,level",
    [
        ("_LOW_DISK_BYTES", 2**80, "disk", "warn"),
        ("OLDEST_POSTGRES", 990_000, "database", "fail"),
        ("_MAX_SKEW_SECONDS", -1.0, "clock", "warn"),
    ],
)
def test_a_limit_passed_is_told(
    healthy: Platform,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: float,
    name: str,
    level: str,
) -> None:
    monkeypatch.setattr(doctor, limit, value)
    findings = found(healthy)
    assert (findings[name].level, levels(findings, name)) == (level, {"ok"})


def test_a_home_that_went_away_is_told_and_the_rest_still_looked_at(healthy: Platform) -> None:
    gone = replace(healthy.environment, home=healthy.environment.home / "gone")
    findings = found(replace(healthy, environment=gone))
    assert (findings["disk"].level, levels(findings, "disk")) == ("fail", {"ok"})


def with_vendors(platform: Platform, sandbox: SandboxProcess, **variables: str) -> Platform:
    addresses = {entry.base_url_variable: f"{sandbox.url}/{entry.name}" for entry in VENDORS}
    environment = _environment(
        platform.environment.home,
        TWILIO_ACCOUNT_SID="ACsandbox",
        TWILIO_AUTH_TOKEN="hidden-word",
        **(addresses | variables),
    )
    return replace(platform, environment=environment)


def test_every_provider_has_a_finding_and_nothing_is_spent(
    platform: Platform, sandbox: SandboxProcess
) -> None:
    sandbox.control("DELETE", "log")
    keys = {"TRESTLE_API_KEY": "hidden-word", "NUMVERIFY_API_KEY": "hidden-word"}
    report = examine_providers(with_vendors(platform, sandbox, **keys))
    findings = {one.name: one for one in report.findings}
    assert list(findings) == [entry.name for entry in VENDORS]
    for entry in VENDORS:
        finding = findings[entry.name]
        assert bool(finding.fix) is (finding.level != "ok")
        assert "hidden-word" not in str(finding)
        if finding.level == "ok":
            assert entry.version in finding.detail
    assert "only paid calls" in findings["trestle"].detail
    assert "requests/s" in findings["twilio_lookup"].detail
    summary = sandbox.control("GET", "summary")
    assert (summary["cost_micros"], summary["billed"]) == (0, 0)
    assert sandbox.control("GET", "summary?vendor=trestle")["requests"] == 0


def test_a_provider_without_credentials_names_its_variable(
    platform: Platform, sandbox: SandboxProcess
) -> None:
    report = examine_providers(with_vendors(platform, sandbox))
    findings = {one.name: one for one in report.findings}
    assert {"trestle", "hunter", "fcc"} <= set(report.disabled)
    assert "twilio_lookup" not in report.disabled
    assert findings["trestle"].level == "warn"
    assert "TRESTLE_API_KEY" in findings["trestle"].detail
    assert findings["twilio_lookup"].level == "ok"


def test_a_vendor_under_a_private_contract_is_off_and_says_why(
    platform: Platform, sandbox: SandboxProcess
) -> None:
    report = examine_providers(with_vendors(platform, sandbox))
    (finding,) = [one for one in report.findings if one.name == "truecaller"]
    assert finding.level == "warn"
    assert "truecaller" in report.disabled
    assert finding.detail.startswith("off: ")
    for word in ("lawfully", "trestle", "pdl", "TRUECALLER_BASE_URL", "TRUECALLER_API_KEY"):
        assert word in finding.detail
    private = {"TRUECALLER_BASE_URL": "https://api4.truecaller.com", "TRUECALLER_API_KEY": "fake"}
    report = examine_providers(with_vendors(platform, sandbox, **private))
    (finding,) = [one for one in report.findings if one.name == "truecaller"]
    assert finding.level == "fail"
    assert "private" in finding.detail
