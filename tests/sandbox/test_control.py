"""The sandbox's control API and its account, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bulk_lookup_dagster.sandbox.faults import FaultPlan
from tests.fakes.sandbox import SandboxProcess, running_sandbox

NUMBER = "/v2/PhoneNumbers/+14155552671"
AUTH = httpx.BasicAuth("AC1", "sandbox")


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(process: SandboxProcess) -> Iterator[httpx.Client]:
    """A client of a sandbox that remembers nothing."""
    process.control("DELETE", "log")
    process.control("PUT", "faults", {})
    with httpx.Client(base_url=process.url, auth=AUTH, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    "name,body",
    [
        ("faults", []),
        ("faults", "none"),
        ("faults", {"latency": 1}),
        ("faults", {"latency_ms": "5"}),
        ("faults", {"latency_ms": -1}),
        ("faults", {"clean_after": True}),
        ("faults", {"rates": []}),
        ("faults", {"rates": {"hang": "all"}}),
        ("faults", {"rates": {"hang": -0.1}}),
        ("faults", {"rates": {"hang": 0.6, "drip": 0.6}}),
        ("faults", {"rates": {"typhoon": 0.1}}),
        ("prices", ["caller_name"]),
        ("prices", {"caller_name": "0.01"}),
        ("prices", {"caller_name": -1}),
        ("prices", {"caller_name": 0.5}),
        ("prices", {"prefixes": {"+1": None}}),
        ("prices", {"prefixes": 7}),
        ("batch", 1),
        ("batch", {}),
        ("limits", [5]),
        ("limits", {"caller_name": "5"}),
    ],
)
def test_f57_controls_that_make_no_sense_are_refused_and_change_nothing(
    client: httpx.Client, name: str, body: Any
) -> None:
    assert client.put(f"/_sandbox/{name}", json=body).status_code == 400
    answer = client.get(NUMBER, params={"Fields": "caller_name"})
    assert answer.status_code == 200
    summary = client.get("/_sandbox/summary").json()
    assert (summary["requests"], summary["cost_micros"]) == (1, 10_000)
    assert client.get("/v2/RateLimits").json()["rate_limits"][0]["limit"] == 1_000


def test_a_body_that_is_no_json_and_a_control_that_is_none(client: httpx.Client) -> None:
    assert client.put("/_sandbox/faults", content=b"{").status_code == 400
    assert client.put("/_sandbox/weather", json={}).status_code == 404


def test_the_account_is_billed_by_package_and_by_prefix(
    process: SandboxProcess, client: httpx.Client
) -> None:
    client.get(NUMBER, params={"Fields": "caller_name,line_type_intelligence"})
    assert process.control("GET", "summary")["cost_micros"] == 18_000
    process.control("PUT", "prices", {"prefixes": {"+1415": 7}})
    client.get(NUMBER, params={"Fields": "caller_name"})
    process.control("PUT", "prices", {"prefixes": {}})
    summary = process.control("GET", "summary")
    assert summary["cost_micros"] == 18_007
    assert (summary["billed"], summary["most_billed"], summary["paid_twice"]) == (3, 2, 1)
    entries = process.control("GET", "log")["entries"]
    assert [entry["packages"] for entry in entries] == [
        ["caller_name", "line_type_intelligence"],
        ["caller_name"],
    ]


def test_a_number_that_is_not_valid_costs_nothing(
    process: SandboxProcess, client: httpx.Client
) -> None:
    body = client.get("/v2/PhoneNumbers/+12", params={"Fields": "caller_name"}).json()
    assert (body["valid"], body["validation_errors"]) == (False, ["TOO_SHORT"])
    assert process.control("GET", "summary")["cost_micros"] == 0


def test_what_an_account_is_told_of_its_limits_can_be_set(
    process: SandboxProcess, client: httpx.Client
) -> None:
    process.control("PUT", "limits", {"caller_name": 5})
    limits = client.get("/v2/RateLimits").json()["rate_limits"]
    process.control("PUT", "limits", {"caller_name": 1_000})
    assert [(limit["field"], limit["limit"]) for limit in limits] == [("caller_name", 5)]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!",
        "Basic QUMx",
        "Bearer QUMxOnRlc3Q=",
        "Basic QUMxOndyb25n",
        "Basic \xe9",
    ],
    ids=["none", "empty", "no base64", "no password", "other scheme", "wrong", "no ASCII"],
)
def test_who_cannot_say_who_they_are_is_turned_away_and_not_billed(
    process: SandboxProcess, client: httpx.Client, header: str
) -> None:
    url = f"{process.url}{NUMBER}?Fields=caller_name"
    answer = httpx.get(url, headers={b"Authorization": header.encode("latin-1")}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert process.control("GET", "summary")["requests"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"phone_numbers": []}',
        b'{"phone_numbers": {}}',
        b'{"phone_numbers": [7]}',
        b'{"phone_numbers": [{"phone_number": 1}]}',
        b'{"phone_numbers": [{"phone_number": "+1", "fields": "caller_name"}]}',
        b'{"phone_numbers": [{"phone_number": "+1", "fields": ["a"], "a": 1}]}',
    ],
)
def test_f57_a_batch_that_is_none_is_refused_in_the_vendors_words(
    process: SandboxProcess, client: httpx.Client, body: bytes
) -> None:
    answer = client.post("/v2/batch/query", content=body)
    assert answer.status_code == 400
    assert answer.json()["status"] == 400
    assert process.control("GET", "summary")["requests"] == 0


def test_a_batch_answers_each_number_and_can_be_closed(
    process: SandboxProcess, client: httpx.Client
) -> None:
    numbers = [
        {"phone_number": f"+1415555010{n}", "fields": ["caller_name"], "correlation_id": str(n)}
        for n in range(3)
    ]
    body = client.post("/v2/batch/query", json={"phone_numbers": numbers}).json()
    assert [one["correlation_id"] for one in body["phone_numbers"]] == ["0", "1", "2"]
    process.control("PUT", "batch", {"offered": False})
    refused = client.post("/v2/batch/query", json={"phone_numbers": numbers})
    process.control("PUT", "batch", {"offered": True})
    assert refused.status_code == 404


def test_f37_faults_befall_their_share_repeat_exactly_and_end(
    process: SandboxProcess, client: httpx.Client
) -> None:
    process.control("PUT", "faults", {"rates": {"unavailable": 0.5}, "clean_after": 2})
    paths = [f"/v2/PhoneNumbers/+1415555{n:04d}" for n in range(200)]
    first = [client.get(path).status_code for path in paths]
    assert 70 < first.count(503) < 130
    assert {client.get(path).status_code for path in paths} == {200}
    process.control("DELETE", "log")
    assert [client.get(path).status_code for path in paths] == first
    assert process.control("GET", "summary")["statuses"]["503"] == first.count(503)


def test_neighbouring_numbers_do_not_share_their_fate() -> None:
    plan = FaultPlan(rates={"drop_after": 0.1})
    fates = [plan.draw(f"+1415555{n:04d}", 1) is not None for n in range(5_000)]
    by_tens = [sum(fates[start : start + 10]) for start in range(0, 5_000, 10)]
    assert 400 < sum(fates) < 600
    assert max(by_tens) < 8


def intel(client: httpx.Client) -> httpx.Response:
    params = {"phone": "+14155552671"}
    return client.get("/trestle/3.0/phone_intel", headers={"x-api-key": "fake"}, params=params)


def test_controls_and_counts_are_each_vendors_own(
    process: SandboxProcess, client: httpx.Client
) -> None:
    down = {"rates": {"unavailable": 1.0}, "clean_after": 100}
    process.control("PUT", "faults?vendor=trestle", down)
    assert intel(client).status_code == 503
    assert client.get(NUMBER).status_code == 200
    assert process.control("GET", "summary?vendor=trestle")["statuses"] == {"503": 1}
    assert process.control("GET", "summary?vendor=twilio_lookup")["statuses"] == {"200": 1}
    assert process.control("GET", "summary")["requests"] == 2
    entries = process.control("GET", "log")["entries"]
    assert [one["vendor"] for one in entries] == ["trestle", "twilio_lookup"]
    assert client.get("/_sandbox/summary?vendor=nobody").status_code == 400


def test_an_account_may_be_given_a_rate_and_refuses_what_is_faster(
    process: SandboxProcess, client: httpx.Client
) -> None:
    process.control("PUT", "rate?vendor=trestle", {"per_second": 2})
    statuses = [intel(client).status_code for _ in range(30)]
    process.control("PUT", "rate?vendor=trestle", {"per_second": None})
    assert 429 in statuses
    assert statuses.count(200) >= 2
    assert intel(client).status_code == 200
    summary = process.control("GET", "summary?vendor=trestle")
    assert summary["billed"] == statuses.count(200) + 1


def test_twilio_lookup_answers_at_the_root_and_under_its_name(client: httpx.Client) -> None:
    assert client.get(NUMBER).json() == client.get(f"/twilio_lookup{NUMBER}").json()
