"""Registering a business: nothing is made twice wherever it dies, and no failure is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from bulk_lookup_dagster.core.errors import (
    BulkLookupError,
    InputError,
    StorageError,
)
from bulk_lookup_dagster.core.trust_hub import POLICIES
from bulk_lookup_dagster.core.trust_hub_submission import read_submission
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.trust_hub_submissions import (
    EvaluationFailed,
)
from resources.twilio_trust_hub_client import TwilioTrustHubClient
from tests.fakes.sandbox import SandboxProcess
from tests.fakes.trust_hub import VENDOR, account, connected_to, decide
from tests.fakes.trust_hub_submissions import business, made, submit, undecided_sandbox, writes

Connection = psycopg.Connection[Any]
BUSINESS = "customer_profile_business_information"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with undecided_sandbox() as process:
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess) -> Platform:
    return connected_to(platform, sandbox)


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
