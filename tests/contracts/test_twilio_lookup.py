"""What the client sends and the sandbox answers, held against Twilio's published contract."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
import pytest
from jsonschema import Draft202012Validator, ValidationError

from bulk_lookup_dagster.engine.provider import Question
from resources.http import Timeouts
from resources.twilio_lookup_client import TwilioLookupClient
from resources.twilio_lookup_records import BATCH_OPERATIONS, IDENTITY_INPUTS, OPERATIONS
from tests.contracts.client_contract import ClientContract
from tests.contracts.openapi import document
from tests.fakes.sandbox import SandboxProcess, running_sandbox

CONTRACT = document("twilio_lookups_v2")
LOOKUP = "/v2/PhoneNumbers/{PhoneNumber}"
BATCH = "/v2/batch/query"
LIMITS = "/v2/RateLimits"
NUMBER = "+14155552671"


def _plain(schema: Any) -> Any:
    """OpenAPI's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _plain(value) for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable") is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made


PLAIN = {"components": _plain(CONTRACT["components"])}


def conforms(schema: Any, document: Any) -> None:
    """Raise where a document breaks a schema of the contract."""
    Draft202012Validator({**PLAIN, **_plain(schema)}).validate(document)


def response_schema(path: str, method: str) -> Any:
    return CONTRACT["paths"][path][method]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]


class TestClient(ClientContract):
    """The contract of all clients; two packages in one request."""

    good = json.dumps(
        {
            "valid": True,
            "country_code": "US",
            "national_format": "x",
            "caller_name": {"caller_name": "Ada Brook", "caller_type": "CONSUMER"},
            "line_type_intelligence": {"type": "mobile", "carrier_name": "Example Telco"},
        }
    ).encode()
    told = ("Ada Brook", "/v2/")

    def client(self, url: str, timeouts: Timeouts) -> TwilioLookupClient:
        return TwilioLookupClient(url, ("SK1", self.secret), timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        packages = ("caller_name", "line_type_intelligence")
        return [Question(n, 1, NUMBER, name, {}, 10_000) for n, name in enumerate(packages)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def question(operation: str, subject: str = NUMBER, number: int = 1) -> Question:
    inputs = {
        "reassigned_number": {"last_verified_date": "20250102"},
        "identity_match": dict.fromkeys(IDENTITY_INPUTS, "x"),
        "sms_pumping_risk": {"partner_sub_id": "p1"},
        "pre_fill": {"verification_sid": "VE1"},
    }
    return Question(number, number, subject, operation, inputs.get(operation, {}), 10_000)


async def _sent(questions: Sequence[Question], batch_size: int) -> tuple[str, str, bytes]:
    """Method, target and body of the request the client writes to its socket."""
    heard: list[tuple[str, str, bytes]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (int(x[15:]) for x in head.split("\r\n") if x.lower().startswith("content-length:")), 0
        )
        method, target, _ = head.split(" ", 2)
        heard.append((method, target, await reader.readexactly(length)))
        body = b'{"phone_numbers": []}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        TwilioLookupClient(
            f"http://127.0.0.1:{port}", ("SK1", "fake"), batch_size=batch_size
        ) as client,
    ):
        await client.ask(questions, uuid4())
    return heard[0]


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_single_request_is_one_the_contract_allows(operation: str) -> None:
    method, target, body = asyncio.run(_sent([question(operation)], 0))
    allowed = CONTRACT["paths"][LOOKUP]["get"]["parameters"]
    names = {one["name"] for one in allowed if one["in"] == "query"}
    url = urlsplit(target)
    query = dict(parse_qsl(url.query))
    assert (method, url.path, body) == ("GET", "/v2/PhoneNumbers/%2B14155552671", b"")
    assert set(query) <= names
    fields = next(one for one in allowed if one["name"] == "Fields")
    assert operation in fields["description"]
    assert query["Fields"] == operation
    assert len(query) == 1 + len(question(operation).params)


def test_the_batch_request_is_one_the_contract_allows() -> None:
    questions = [
        question(operation, f"+1415555267{place}", place)
        for place in (1, 2)
        for operation in sorted(BATCH_OPERATIONS)
    ]
    method, target, body = asyncio.run(_sent(questions, 10))
    schema = CONTRACT["paths"][BATCH]["post"]["requestBody"]["content"]["application/json"]
    assert (method, target) == ("POST", BATCH)
    document = json.loads(body)
    conforms(schema["schema"], document)
    assert len(document["phone_numbers"]) == 2


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
@pytest.mark.parametrize("last", range(12))
def test_every_answer_of_the_sandbox_is_one_the_contract_allows(
    sandbox: SandboxProcess, operation: str, last: int
) -> None:
    params = {"Fields": operation, "LastVerifiedDate": "20250102", "LastName": "Doe"}
    answer = httpx.get(
        f"{sandbox.url}/v2/PhoneNumbers/%2B141555526{last:02d}", params=params, auth=("AC1", "fake")
    )
    assert answer.status_code == 200
    conforms(response_schema(LOOKUP, "get"), answer.json())


def test_batch_answers_of_the_sandbox_are_ones_the_contract_allows(
    sandbox: SandboxProcess,
) -> None:
    items = [
        {"correlation_id": str(n), "phone_number": f"+1415555267{n}", "fields": ["caller_name"]}
        for n in range(3)
    ]
    answer = httpx.post(
        f"{sandbox.url}{BATCH}", json={"phone_numbers": items}, auth=("AC1", "fake")
    )
    assert answer.status_code == 200
    conforms(response_schema(BATCH, "post"), answer.json())


def test_rate_limits_of_the_sandbox_are_ones_the_contract_allows(sandbox: SandboxProcess) -> None:
    answer = httpx.get(f"{sandbox.url}{LIMITS}", auth=("AC1", "fake"))
    assert answer.status_code == 200
    conforms(response_schema(LIMITS, "get"), answer.json())


def test_a_wrong_answer_would_be_noticed() -> None:
    with pytest.raises(ValidationError, match="not valid under any"):
        conforms(response_schema(LOOKUP, "get"), {"valid": "perhaps", "phone_number": 7})
