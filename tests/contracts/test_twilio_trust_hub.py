"""Twilio Trust Hub: the contract of all clients, and both sides against Twilio's contract."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest

from bulk_lookup_dagster.core.errors import ProviderError, TransientFailure
from bulk_lookup_dagster.engine.provider import Question
from resources.http import Timeouts
from resources.twilio_trust_hub_client import TwilioTrustHubClient
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.contracts.openapi import contract
from tests.fakes.recorder import recording, response
from tests.fakes.sandbox import SandboxProcess, running_sandbox

BU, IT = f"BU{1:032x}", f"IT{2:032x}"
PATH = f"CustomerProfiles/{BU}"
PROFILE = {
    "sid": BU,
    "policy_sid": "RNdfbf3fae0e1107f8aded0e7cead80bf5",
    "friendly_name": "Acorn Dental LLC",
    "status": "twilio-approved",
    "valid_until": "2027-05-01T00:00:00Z",
    "email": "compliance@acorn-dental.example",
    "date_updated": "2026-05-01T00:00:00Z",
}
EVALUATION = {
    "status": "noncompliant",
    "date_created": "2026-05-01T00:00:00Z",
    "results": [
        {
            "object_type": "customer_profile_business_information",
            "passed": False,
            "valid": [{"object_field": "business_name"}],
            "invalid": [{"object_field": "website_url", "error_code": 22216}],
        }
    ],
}
END_USER = {
    "sid": IT,
    "type": "customer_profile_business_information",
    "attributes": {
        "business_name": "Acorn Dental LLC",
        "business_registration_number": "123456789",
        "website_url": "https://www.acorn-dental.example",
    },
}


def page(*rows: Mapping[str, Any], following: str | None = None) -> bytes:
    return json.dumps({"results": rows, "meta": {"next_page_url": following}}).encode()


class TrustHubContract(ClientContract):
    """Reads are free, so what failed may be asked again."""

    told = ("Acorn", "compliance@", "/v1/", BU, IT)
    expected: ClassVar[Mapping[int, type[ProviderError]]] = {500: TransientFailure}

    def client(self, url: str, timeouts: Timeouts) -> TwilioTrustHubClient:
        auth = ("SKfake", self.secret)
        return TwilioTrustHubClient(url, auth, auth_token=self.secret, timeouts=timeouts)


class TestListing(TrustHubContract):
    good = page(PROFILE, following="https://example.invalid/v1/x?PageSize=1&Page=1&PageToken=PA1")

    def questions(self) -> Sequence[Question]:
        return [question("listing", "CustomerProfiles")]


class TestProfile(TrustHubContract):
    good = json.dumps(PROFILE).encode()

    def questions(self) -> Sequence[Question]:
        return [question("profile", PATH)]


class TestReview(TrustHubContract):
    good = json.dumps(PROFILE).encode()

    def questions(self) -> Sequence[Question]:
        return [question("review", PATH)]


class TestEvaluation(TrustHubContract):
    good = page(EVALUATION)

    def questions(self) -> Sequence[Question]:
        return [question("evaluation", PATH)]


class TestAssignments(TrustHubContract):
    good = page({"object_sid": IT})

    def questions(self) -> Sequence[Question]:
        return [question("assignments", PATH)]


class TestBusiness(TrustHubContract):
    good = json.dumps(END_USER).encode()

    def questions(self) -> Sequence[Question]:
        return [question("business", f"EndUsers/{IT}")]


ASKED = [
    *(one().questions()[0] for one in (TestListing, TestProfile, TestReview)),
    *(one().questions()[0] for one in (TestEvaluation, TestAssignments, TestBusiness)),
    question("listing", "TrustProducts?Page=1&PageToken=PA1"),
    question("evaluation", f"TrustProducts/{BU}"),
    question("assignments", f"TrustProducts/{BU}"),
]


@pytest.mark.parametrize("asked", ASKED, ids=lambda one: f"{one.operation} {one.subject[:13]}")
def test_every_request_is_one_the_contract_allows(asked: Question) -> None:
    async def run() -> None:
        async with recording(response(500)) as vendor:
            client = TwilioTrustHubClient(vendor.url, ("SKfake", "fake"), timeouts=FAST)
            async with client:
                with pytest.raises(TransientFailure):
                    await client.ask([asked], uuid4())
            (sent,) = vendor.requests
        described = contract("twilio_trusthub_v1")
        described.check_request(sent.method, sent.target, sent.headers, sent.body)

    asyncio.run(run())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def test_answers_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    vendor = contract("twilio_trusthub_v1")
    with httpx.Client(
        base_url=f"{sandbox.url}/twilio_trust_hub", auth=("ACfake", "fake")
    ) as client:

        def get(path: str) -> Any:
            answer = client.get(path)
            vendor.check_answer("GET", path.partition("?")[0], answer.status_code, answer.json())
            assert answer.status_code == 200
            return answer.json()

        for kind in ("CustomerProfiles", "TrustProducts"):
            found = get(f"/v1/{kind}?PageSize=5")
            assert len(found["results"]) == 5
            assert f"PageToken=PA{found['results'][-1]['sid']}" in found["meta"]["next_page_url"]
            for one in found["results"]:
                path = f"/v1/{kind}/{one['sid']}"
                assert get(path) == one
                get(f"{path}/Evaluations")
                for each in get(f"{path}/EntityAssignments")["results"]:
                    if each["object_sid"].startswith("IT"):
                        get(f"/v1/EndUsers/{each['object_sid']}")
        for path in ("EndUsers", "SupportingDocuments", "Policies"):
            get(f"/v1/{path}/{get(f'/v1/{path}')['results'][0]['sid']}")
        assert client.get(f"/v1/CustomerProfiles/{BU}").json()["code"] == 20404
        assert client.get("/v1/CustomerProfiles", auth=("ACfake", "wrong")).status_code == 401


def test_writes_answered_by_the_sandbox_are_ones_the_contract_allows(
    sandbox: SandboxProcess,
) -> None:
    vendor = contract("twilio_trusthub_v1")
    with httpx.Client(
        base_url=f"{sandbox.url}/twilio_trust_hub", auth=("ACfake", "fake")
    ) as client:

        def post(path: str, status: int, **form: str) -> Any:
            answer = client.post(path, data=form)
            assert answer.status_code == status, answer.text
            if status < 400:
                vendor.check_answer("POST", path, status, answer.json())
            return answer.json()

        policy = str(PROFILE["policy_sid"])
        made = post(
            *("/v1/CustomerProfiles", 201),
            FriendlyName="New",
            Email="a@new.example",
            PolicySid=policy,
        )
        path = f"/v1/CustomerProfiles/{made['sid']}"
        user = post("/v1/EndUsers", 201, FriendlyName="x", Type="t", Attributes='{"a": 1}')
        post(f"{path}/EntityAssignments", 201, ObjectSid=user["sid"])
        post(f"{path}/EntityAssignments", 400, ObjectSid=user["sid"])
        judged = post(f"{path}/Evaluations", 201, PolicySid=policy)
        assert judged["status"] == "noncompliant"
        assert post(path, 200, Status="pending-review")["status"] == "pending-review"
        assert post(path, 400, Status="pending-review")["code"] == 22302
        assert post(path, 400, Email="b@new.example")["code"] == 22303
        post("/v1/CustomerProfiles", 400, FriendlyName="New", Email="a@new.example")
