"""Registering a business: nothing is made twice wherever it dies, and no failure is sent."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from bulk_lookup_dagster.core.errors import (
    BulkLookupError,
    InputError,
    ProviderUnavailable,
    RateLimited,
    StorageError,
)
from bulk_lookup_dagster.core.trust_hub import POLICIES
from bulk_lookup_dagster.core.trust_hub_submission import Submission, read_submission
from bulk_lookup_dagster.engine.operator import pause_provider, resume_provider
from bulk_lookup_dagster.sandbox.twilio_trust_hub_account import NEEDED
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.paced import SESSION
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.trust_hub_submissions import (
    EvaluationFailed,
    Submitted,
    submit_profile,
)
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from resources.twilio_trust_hub_client import TwilioTrustHubClient
from resources.twilio_trust_hub_writes import State, endpoint_of
from tests.fakes.leases import Leases
from tests.fakes.sandbox import ROOT, SandboxProcess, running_sandbox
from tests.fakes.trust_hub import VENDOR, account, connected_to, decide

Connection = psycopg.Connection[Any]
BUSINESS = "customer_profile_business_information"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        reviews = {"in_review_s": 1_000.0, "verdict_s": 2_000.0, "verdict": "twilio-approved"}
        process.control("PUT", f"reviews?vendor={VENDOR}", reviews)
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess) -> Platform:
    return connected_to(platform, sandbox)


def business(name: str, **missing: str) -> Submission:
    """A complete submission; `missing` empties a field of a type."""
    return read_submission(document_of(name, **missing))


def document_of(name: str, **missing: str) -> bytes:
    """The same as the file it is read from."""
    entries = [
        {
            "type": kind,
            "attributes": {one: "x" for one in fields if missing.get(kind) != one},
        }
        for kind, fields in NEEDED.items()
    ]
    document = {
        "friendly_name": name,
        "email": "compliance@example.test",
        "end_users": entries[:2],
        "documents": entries[2:],
    }
    return json.dumps(document).encode()


class Dying(TwilioTrustHubClient):
    """Dies right after the vendor has processed its `last` write, as a killed process does."""

    last = 0

    async def _post(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        document = await super()._post(path, form)
        self.last -= 1
        if self.last == 0:
            raise KeyboardInterrupt
        return document


def dying(sandbox: SandboxProcess, last: int) -> dict[str, Any]:
    def factory(_settings: Any) -> Dying:
        client = Dying(f"{sandbox.url}/{VENDOR}", ("ACfake", "fake"))
        client.last = last
        return client

    return {VENDOR: factory}


def submit(platform: Platform, submission: Submission, **options: Any) -> Submitted:
    return asyncio.run(submit_profile(platform, submission, "test", **options))


def writes(sandbox: SandboxProcess) -> list[str]:
    entries = sandbox.control("GET", f"log?vendor={VENDOR}")["entries"]
    return [one["subject"] for one in entries if one["packages"] == ["write"]]


def made(sandbox: SandboxProcess, name: str) -> Counter[str]:
    """How many of each kind the account has that belong to a submission."""
    paths = ("CustomerProfiles", "EndUsers", "SupportingDocuments")
    named = [(path, one) for path in paths for one in account(sandbox, path)]
    return Counter(path for path, one in named if str(one["friendly_name"]).startswith(name))


def test_a_business_is_made_evaluated_and_handed_over_in_order(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    done = submit(connected, business("Whole Inc"))
    assert (done.status, done.new) == ("pending-review", True)
    paths = [one.partition("/BU")[0] + ("/" if "/BU" in one else "") for one in writes(sandbox)]
    assert paths == [
        *("CustomerProfiles", "EndUsers", "EndUsers", "SupportingDocuments"),
        *("CustomerProfiles/",) * 5,
    ]
    last = [one.rpartition("/")[2] for one in writes(sandbox)[-5:]]
    assert last == [*("EntityAssignments",) * 3, "Evaluations", done.sid]
    claims = conn.execute(
        "SELECT operation, state, external_id FROM ledger.claims WHERE state = 'accepted'"
    ).fetchall()
    assert claims == [("review", "accepted", done.sid)]
    audit = conn.execute("SELECT actor, action, object FROM ops.audit WHERE action LIKE 'trust%'")
    assert audit.fetchall() == [("test", "trust_hub.submit", done.sid)]
    before = writes(sandbox)
    again = submit(connected, business("Whole Inc"))
    assert (again.sid, again.new) == (done.sid, False)
    assert writes(sandbox) == before, "a second time nothing is written"


@pytest.mark.parametrize("last", range(1, 10))
def test_whenever_it_dies_the_next_call_goes_on_and_nothing_is_there_twice(
    connected: Platform, sandbox: SandboxProcess, last: int
) -> None:
    name = f"Dies at {last}."
    with pytest.raises(KeyboardInterrupt):
        submit(connected, business(name), clients=dying(sandbox, last))
    done = submit(connected, business(name))
    assert made(sandbox, name) == {"CustomerProfiles": 1, "EndUsers": 2, "SupportingDocuments": 1}
    assert done.new == (last < 9)
    (profile,) = (one for one in account(sandbox, "CustomerProfiles") if one["sid"] == done.sid)
    assert profile["status"] in ("pending-review", "in-review")


def test_nothing_is_handed_over_that_fails_and_the_fields_are_named(
    connected: Platform, sandbox: SandboxProcess
) -> None:
    wanting = business("Wanting Inc", **{BUSINESS: "website_url"})
    with pytest.raises(EvaluationFailed, match=rf"{BUSINESS}\.website_url\."):
        submit(connected, wanting)
    (draft,) = (
        one for one in account(sandbox, "CustomerProfiles") if one["friendly_name"] == "Wanting Inc"
    )
    assert draft["status"] == "draft"
    done = submit(connected, business("Wanting Inc"))
    assert (done.sid, done.new) == (draft["sid"], True), "the same draft, completed"
    assert made(sandbox, "Wanting Inc")["EndUsers"] == 2


def test_a_profile_made_elsewhere_is_taken_and_an_approved_one_left_alone(
    connected: Platform, sandbox: SandboxProcess
) -> None:
    secondary = POLICIES["secondary_business"]
    ours = [one for one in account(sandbox, "CustomerProfiles") if one["policy_sid"] == secondary]
    draft = next(one for one in ours if one["status"] == "draft")
    assert submit(connected, business(draft["friendly_name"])).sid == draft["sid"]
    approved = next(one for one in ours if one["status"] == "twilio-approved")
    before = writes(sandbox)
    with pytest.raises(InputError, match="approved already"):
        submit(connected, business(approved["friendly_name"]))
    assert writes(sandbox) == before


def test_what_was_rejected_is_submitted_again_until_it_is_approved(
    connected: Platform, sandbox: SandboxProcess
) -> None:
    first = submit(connected, business("Second Try Inc"))
    decide(sandbox, first.sid, "twilio-rejected")
    again = submit(connected, business("Second Try Inc"))
    assert (again.sid, again.status, again.new) == (first.sid, "pending-review", True)
    decide(sandbox, first.sid, "twilio-approved")
    with pytest.raises(InputError, match="approved already"):
        submit(connected, business("Second Try Inc"))
    assert made(sandbox, "Second Try Inc")["CustomerProfiles"] == 1


@pytest.mark.parametrize("verdict", ["twilio-approved", "maybe"])
def test_the_sandbox_decides_only_what_is_in_review(sandbox: SandboxProcess, verdict: str) -> None:
    over = next(one for one in account(sandbox, "CustomerProfiles") if one["valid_until"])
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        decide(sandbox, over["sid"], verdict)


def test_f11_two_at_once_make_one_profile(connected: Platform, sandbox: SandboxProcess) -> None:
    def one(_number: int) -> str:
        try:
            return submit(connected, business("Twice Inc")).sid
        except StorageError:
            return ""

    with ThreadPoolExecutor(2) as pool:
        sids = set(pool.map(one, range(2)))
    assert len(sids - {""}) == 1
    assert made(sandbox, "Twice Inc")["CustomerProfiles"] == 1


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


def test_f42_what_may_have_been_made_is_not_made_again_before_it_would_show(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    """A list that lags: the write was noted, its outcome never came, and nothing is found."""
    late = business("Later Inc")
    with pytest.raises(KeyboardInterrupt):
        submit(connected, late, clients=dying(sandbox, 1))
    (sid,) = (
        one["sid"]
        for one in account(sandbox, "CustomerProfiles")
        if one["friendly_name"] == "Later Inc"
    )
    url = f"{sandbox.url}/{VENDOR}/v1/CustomerProfiles/{sid}"
    httpx.post(url, data={"FriendlyName": "Hidden"}, auth=("ACfake", "fake")).raise_for_status()
    with pytest.raises(StorageError, match="not known yet"):
        submit(connected, late)
    conn.execute("UPDATE ops.trust_hub_writes SET attempted_at = now() - interval '11 minutes'")
    assert submit(connected, late).new


@pytest.mark.parametrize(
    "change, field",
    [
        ({"email": "nobody"}, "email"),
        ({"end_users": [{"type": "Business", "attributes": {}}]}, "end_users.0.type"),
        ({"end_users": [{"type": "x", "attributes": {}}] * 2}, "twice"),
        ({"assign": ["BU1"]}, "assign.0"),
        ({"status": "twilio-approved"}, "status"),
    ],
)
def test_a_file_that_is_no_submission_is_refused_by_field_without_its_values(
    change: dict[str, Any], field: str
) -> None:
    document = {"friendly_name": "Secret Inc", "email": "a@b.example", **change}
    with pytest.raises(InputError, match=field) as failed:
        read_submission(json.dumps(document).encode())
    assert "Secret" not in str(failed.value)


def test_a_policy_that_is_none_is_refused_before_anything_is_written(
    connected: Platform, sandbox: SandboxProcess
) -> None:
    document = {"friendly_name": "No Inc", "email": "a@b.example", "policy": f"RN{9:032x}"}
    with pytest.raises(BulkLookupError, match="no such policy"):
        submit(connected, read_submission(json.dumps(document).encode()))
    assert writes(sandbox) == []
