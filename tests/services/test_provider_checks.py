"""What `doctor --providers` spends, remembers and says, against vendors on real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.engine import operator
from bulk_lookup_dagster.services.findings import Finding
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.provider_checks import ProviderReport, examine_providers
from bulk_lookup_dagster.services.provider_quotas import store_quota
from resources.registry import BY_NAME, REMOTE
from resources.vendor import Quota
from tests.fakes.sandbox import SandboxProcess, running_sandbox

Connection = psycopg.Connection[Any]
_QUOTA = "SELECT allowance, remaining FROM ops.provider_quotas WHERE provider = 'zerobounce'"
_SPENT = "SELECT coalesce(sum(cost_micros), 0)::bigint FROM ledger.claims"
PHONE_INTEL, GEOCODE = 15_000, 5_000


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def configure(platform: Platform, sandbox: SandboxProcess, **variables: str) -> Platform:
    """Credentials for every vendor, each played by the sandbox."""
    environ = {"BULK_LOOKUP_ENV": "local", "BULK_LOOKUP_HOME": str(platform.environment.home)}
    for entry in REMOTE:
        environ[entry.base_url_variable] = f"{sandbox.url}/{entry.name}"
        for name in entry.credential_sets[0]:
            environ[entry.variables[name]] = "hidden-word"
    return replace(platform, environment=read_environment(environ | variables))


@pytest.fixture
def configured(platform: Platform, sandbox: SandboxProcess) -> Platform:
    """A platform that can ask everybody, and nobody was asked yet."""
    sandbox.control("DELETE", "log")
    return configure(platform, sandbox)


def by_name(report: ProviderReport) -> dict[str, Finding]:
    return {one.name: one for one in report.findings}


def spent(conn: Connection) -> int:
    return int(conn.execute(_SPENT).fetchall()[0][0])


def test_without_money_nobody_is_asked_who_charges(
    configured: Platform, sandbox: SandboxProcess, conn: Connection
) -> None:
    report = examine_providers(configured)
    assert (report.spent_micros, report.disabled) == (0, [])
    only_paid = [entry.name for entry in REMOTE if not entry.free_check]
    assert "trestle" in only_paid
    for name in only_paid:
        assert "not asked" in by_name(report)[name].detail
        assert sandbox.control("GET", f"summary?vendor={name}")["requests"] == 0
    assert conn.execute("SELECT count(*) FROM ledger.plans").fetchone() == (0,)


def test_money_goes_to_the_cheapest_and_never_past_the_amount(
    configured: Platform, sandbox: SandboxProcess, conn: Connection
) -> None:
    amount = GEOCODE + PHONE_INTEL
    report = examine_providers(configured, spend_micros=amount, actor="ann")
    findings = by_name(report)
    assert (findings["google_geocoding"].level, findings["trestle"].level) == ("ok", "ok")
    assert "more than what is left" in findings["pdl"].detail
    assert "--spend" in findings["pdl"].fix
    assert "list price" in findings["numverify"].detail
    assert sandbox.control("GET", "summary?vendor=pdl")["requests"] == 0
    assert report.spent_micros == spent(conn) == amount
    assert sandbox.control("GET", "summary?vendor=google_geocoding")["requests"] == 1
    plan = conn.execute("SELECT state, kind, cap_micros, approved_by FROM ledger.plans").fetchall()
    assert plan == [("done", "refresh", amount, "ann")]


def test_asking_again_asks_again_and_is_paid_again(
    configured: Platform, sandbox: SandboxProcess, conn: Connection
) -> None:
    first = examine_providers(configured, spend_micros=PHONE_INTEL + GEOCODE)
    second = examine_providers(configured, spend_micros=PHONE_INTEL + GEOCODE)
    assert by_name(second)["trestle"].level == "ok"
    assert sandbox.control("GET", "summary?vendor=trestle")["requests"] == 2
    assert first.spent_micros + second.spent_micros == spent(conn)


def test_a_paused_provider_is_not_asked_for_money_either(
    configured: Platform, sandbox: SandboxProcess, conn: Connection
) -> None:
    operator.pause_provider(conn, "trestle", actor="ann", reason="invoice")
    finding = by_name(examine_providers(configured, spend_micros=PHONE_INTEL + GEOCODE))["trestle"]
    assert (finding.level, finding.cost_micros) == ("fail", 0)
    assert "invoice" in finding.detail
    assert finding.fix.endswith("bulk-lookup resume trestle.")
    assert sandbox.control("GET", "summary?vendor=trestle")["requests"] == 0


def test_refused_credentials_are_told_and_cost_nothing(
    platform: Platform, sandbox: SandboxProcess, conn: Connection
) -> None:
    refused = configure(platform, sandbox, TRESTLE_API_KEY="wrong")
    report = examine_providers(refused, spend_micros=PHONE_INTEL + GEOCODE)
    finding = by_name(report)["trestle"]
    assert (finding.level, finding.cost_micros) == ("fail", 0)
    assert "refused" in finding.detail
    assert report.spent_micros == spent(conn) == by_name(report)["google_geocoding"].cost_micros


def test_what_vendors_tell_of_their_allowance_is_remembered(
    configured: Platform, conn: Connection
) -> None:
    examine_providers(configured)
    rows = conn.execute(
        "SELECT provider, unit, allowance, remaining, resets_at IS NULL FROM ops.provider_quotas"
        " ORDER BY provider"
    ).fetchall()
    hunter, zerobounce = rows
    assert hunter == ("hunter", "calls", 2_000, 1_880, False)
    assert zerobounce[:2] == ("zerobounce", "credits")
    assert zerobounce[2] == zerobounce[3] > 0
    assert all(name in BY_NAME for name, *_ in rows)


@pytest.mark.parametrize(
    "told,expected",
    [
        ((1_000, 200), (1_000, 200)),
        ((1_000, 200, 201), (1_000, 201)),
        ((1_000, 200, 1_200), (1_200, 1_200)),
        ((1_000, 0), (1_000, 0)),
    ],
    ids=["used", "a credit came back", "bought", "empty"],
)
def test_prepaid_credits_count_from_the_last_purchase(
    conn: Connection, told: tuple[int, ...], expected: tuple[int, int]
) -> None:
    for remaining in told:
        store_quota(conn, "zerobounce", Quota(remaining))
    assert conn.execute(_QUOTA).fetchone() == expected


def test_an_allowance_that_is_told_is_taken_as_told(conn: Connection) -> None:
    reset = datetime(2026, 12, 1, tzinfo=UTC)
    store_quota(conn, "zerobounce", Quota(90, 100, reset))
    store_quota(conn, "zerobounce", Quota(50, 50, reset))
    assert conn.execute(_QUOTA).fetchone() == (50, 50)
