"""Submissions take turns: one rate, circuit and pause for every process that asks Twilio."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import ProviderUnavailable, RateLimited
from bulk_lookup_dagster.engine.operator import pause_provider, resume_provider
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.paced import SESSION
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from resources.twilio_trust_hub_client import TwilioTrustHubClient
from resources.twilio_trust_hub_writes import State, endpoint_of
from tests.fakes.leases import Leases
from tests.fakes.sandbox import ROOT, SandboxProcess
from tests.fakes.trust_hub import VENDOR, connected_to
from tests.fakes.trust_hub_submissions import (
    business,
    document_of,
    submit,
    undecided_sandbox,
    writes,
)

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with undecided_sandbox() as process:
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess) -> Platform:
    return connected_to(platform, sandbox)


def _rated(conn: Connection, rate: float) -> None:
    change_settings(conn, f"providers.{VENDOR}.requests_per_second", str(rate), "test")


_SUBMIT = """
import asyncio, sys
from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.core.trust_hub_submission import read_submission
from bulk_lookup_dagster.services.process import start
from bulk_lookup_dagster.services.trust_hub_submissions import submit_profile

platform = start("test")
submission = read_submission(sys.stdin.buffer.read())
for _ in range(300):
    try:
        print(asyncio.run(submit_profile(platform, submission, "test")).sid)
        break
    except StorageError:  # the other one is at it
        asyncio.run(asyncio.sleep(0.1))
"""


def test_f07_processes_that_submit_take_a_slot_of_one_rate_for_every_request(
    connected: Platform,
    conn: Connection,
    owner_dsn: str,
    postgres: EmbeddedServer,
    sandbox: SandboxProcess,
) -> None:
    _rated(conn, 30.0)
    leases = Leases(owner_dsn)
    environ = {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(connected.environment.home),
        "DATABASE_URL": connected.dsn,
        "MIGRATION_DATABASE_URL": owner_dsn,
        "DAGSTER_DATABASE_URL": postgres.dsn(roles.DAGSTER_DATABASE),
        "TWILIO_TRUST_HUB_BASE_URL": f"{sandbox.url}/{VENDOR}",
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _SUBMIT],
            env={**os.environ, **environ},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for number, process in enumerate(running):
        assert process.stdin is not None
        process.stdin.write(document_of(f"Paced {number} Inc"))
        process.stdin.close()
        process.stdin = None
    sids = {process.communicate(timeout=240)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert len(sids - {b""}) == 2
    asked = sandbox.control("GET", f"summary?vendor={VENDOR}")["requests"]
    ((by_runs,),) = conn.execute("SELECT count(*) FROM ledger.requests").fetchall()
    ends = leases.ends(VENDOR, SESSION)
    assert len(ends) == asked - by_runs > 30
    apart = timedelta(seconds=1 / 30) - timedelta(milliseconds=1)
    assert all(later - earlier >= apart for earlier, later in itertools.pairwise(ends))


def test_f25_slower_holds_the_account_back_for_everybody_and_counts(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    _rated(conn, 1_000.0)
    ((before,),) = conn.execute("SELECT clock_timestamp()").fetchall()
    fault = {"rates": {"rate_limited": 1.0}, "retry_after_s": 40, "clean_after": 1_000_000}
    sandbox.control("PUT", f"faults?vendor={VENDOR}", fault)
    try:
        with pytest.raises(RateLimited):
            submit(connected, business("Slower Inc"))
    finally:
        sandbox.control("PUT", f"faults?vendor={VENDOR}", {})
    ((held,),) = conn.execute("SELECT next_slot_at FROM ops.limiters").fetchall()
    assert held - before >= timedelta(seconds=40)
    circuits = conn.execute("SELECT key, calls, failures FROM ops.breakers").fetchall()
    assert (f"{VENDOR}/listing", 1, 1) in circuits, "from who has not answered yet"


_OPEN = """
    INSERT INTO ops.breakers (key, state, calls, failures, window_started_at, opened_at)
    VALUES ('twilio_trust_hub/assignments', 'open', 9, 9, now(), now())
"""


@pytest.mark.parametrize("closed_by", ["circuit", "pause"])
def test_f32_nothing_is_sent_or_noted_where_the_provider_may_not_be_asked(
    connected: Platform, conn: Connection, sandbox: SandboxProcess, closed_by: str
) -> None:
    if closed_by == "circuit":
        conn.execute(_OPEN)
    else:
        pause_provider(conn, VENDOR, actor="me", reason="an invoice is open")
    with pytest.raises(ProviderUnavailable, match=r"open until|paused") as told:
        submit(connected, business(f"Never by {closed_by}"))
    assert f"bulk-lookup resume {VENDOR}" in told.value.fix
    assert sandbox.control("GET", f"summary?vendor={VENDOR}")["requests"] == 0
    for table in ("ops.trust_hub_writes", "ops.limiters"):
        assert conn.execute(f"SELECT * FROM {table}".encode()).fetchall() == []
    resume_provider(conn, VENDOR, actor="me")
    assert submit(connected, business(f"Never by {closed_by}")).new


class Pausing(TwilioTrustHubClient):
    """Somebody pauses the provider right after the look-up that comes before a write."""

    dsn = ""

    async def named_profiles(self, friendly_name: str, policy_sid: str) -> list[State]:
        found = await super().named_profiles(friendly_name, policy_sid)
        with connect(self.dsn, autocommit=True) as conn:
            pause_provider(conn, VENDOR, actor="me", reason="wait")
        return found


def test_f32_a_pause_between_two_requests_leaves_nothing_half_noted(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    def factory(_settings: Any) -> Pausing:
        client = Pausing(f"{sandbox.url}/{VENDOR}", ("ACfake", "fake"))
        client.dsn = connected.dsn
        return client

    with pytest.raises(ProviderUnavailable, match="paused"):
        submit(connected, business("Paused Inc"), clients={VENDOR: factory})
    assert writes(sandbox) == []
    assert conn.execute("SELECT * FROM ops.trust_hub_writes").fetchall() == []
    resume_provider(conn, VENDOR, actor="me")
    assert submit(connected, business("Paused Inc")).new


def test_a_client_without_turns_sends_nothing(sandbox: SandboxProcess) -> None:
    async def ask() -> None:
        async with TwilioTrustHubClient(f"{sandbox.url}/{VENDOR}", ("ACfake", "fake")) as client:
            await client.profile("BU1")

    with pytest.raises(RuntimeError, match="no turns"):
        asyncio.run(ask())


@pytest.mark.parametrize(
    "path, endpoint",
    [
        ("Policies?PageSize=1000", "listing"),
        ("CustomerProfiles", "profile"),
        ("CustomerProfiles/BU1", "profile"),
        ("CustomerProfiles/BU1/Evaluations", "evaluation"),
        ("CustomerProfiles/BU1/EntityAssignments?PageSize=1", "assignments"),
        ("EndUsers/IT1", "business"),
        ("SupportingDocuments", "business"),
    ],
)
def test_f23_a_request_counts_for_the_circuit_of_what_reads_the_same(
    path: str, endpoint: str
) -> None:
    assert endpoint_of(path) == endpoint
    assert endpoint in TwilioTrustHubClient.operations
