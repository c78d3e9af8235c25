"""Trust Hub's verdicts on the real inbox: signed by the sandbox as Twilio signs, settled once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from bulk_lookup_dagster.core.trust_hub_submission import read_submission
from bulk_lookup_dagster.sandbox.twilio_trust_hub_account import NEEDED
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import environment_clients
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.trust_hub import read_trust_hub
from bulk_lookup_dagster.services.trust_hub_profiles import profile
from bulk_lookup_dagster.services.trust_hub_submissions import Submitted, submit_profile
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.trust_hub import VENDOR, connected_to, decide, slow_reviews
from tests.web.conftest import Open

Connection = psycopg.Connection[Any]


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def registered(platform: Platform, name: str) -> Submitted:
    users = [{"type": kind, "attributes": dict.fromkeys(NEEDED[kind], "x")} for kind in NEEDED]
    document = {"friendly_name": name, "email": "a@b.example", "end_users": users}
    submission = read_submission(json.dumps(document).encode())
    return asyncio.run(submit_profile(platform, submission, "test"))


def status(conn: Connection, sid: str) -> str:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        now = profile(conn, sid).status
        if now.startswith("twilio-"):
            return now
        time.sleep(0.05)
    return profile(conn, sid).status


@pytest.mark.parametrize("verdict", ["twilio-approved", "twilio-rejected"])
def test_a_verdict_arrives_signed_and_settles_its_review(
    platform: Platform, conn: Connection, sandbox: SandboxProcess, open_web: Open, verdict: str
) -> None:
    connected = connected_to(platform, sandbox)
    web = open_web(connected, clients=environment_clients(connected.environment))
    url = f"{str(web.base_url).rstrip('/')}/callbacks/{VENDOR}"
    change_settings(conn, f"providers.{VENDOR}.callback_url", url, "test")
    slow_reviews(sandbox)
    done = registered(connected, "Called Back Inc")
    decide(sandbox, done.sid, verdict)
    assert status(conn, done.sid) == verdict
    states = conn.execute("SELECT state FROM ledger.claims WHERE operation = 'review'").fetchall()
    assert states == [("answered",)]
    results = conn.execute("SELECT DISTINCT result FROM ops.callbacks").fetchall()
    assert set(results) == {("settled",), ("ignored",)}
    form = {"BundleSid": done.sid, "Status": "twilio-approved"}
    forged = httpx.post(url, data=form, headers={"X-Twilio-Signature": "x"})
    assert forged.status_code == 403


def test_without_call_backs_the_verdict_is_polled_for(
    platform: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    connected = connected_to(platform, sandbox)
    slow_reviews(sandbox)
    done = registered(connected, "Polled Inc")
    assert profile(conn, done.sid).status == "in-review"
    decide(sandbox, done.sid, "twilio-approved")
    conn.execute("UPDATE ledger.claims SET next_poll_at = now() WHERE state = 'accepted'")
    asyncio.run(read_trust_hub(connected, anew=True))
    assert profile(conn, done.sid).status == "twilio-approved"
    states = conn.execute("SELECT state FROM ledger.claims WHERE operation = 'review'").fetchall()
    assert states == [("answered",)], "though the profile said so before the poll"
    assert conn.execute("SELECT count(*) FROM ops.callbacks").fetchone() == (0,)
