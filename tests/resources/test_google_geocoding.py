"""Google Geocoding: v4's errors, v3's statuses, and that only what may be kept is."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    PermanentFailure,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    UnknownOutcome,
)
from bulk_lookup_dagster.core.vendor_settings import GoogleGeocodingSettings
from bulk_lookup_dagster.engine.provider import Exchange
from resources.google_geocoding_client import VENDOR, GoogleGeocodingClient
from resources.google_geocoding_records import one_line, parse_geocode, parse_reverse_geocode
from tests.contracts.client_contract import FAST, question
from tests.fakes.recorder import Sent, recording, response

SUBJECT = "1 elm st|2|reno|nv|89501|us"
POINT = "39.500000,-119.800000"
POINT_V4 = {"latitude": 39.5, "longitude": -119.8}
RESULT_V3 = {
    "place_id": "ChIJx",
    "formatted_address": "1 Elm St, Reno",
    "geometry": {"location": {"lat": 39.5, "lng": -119.8}, "location_type": "ROOFTOP"},
}


def at_point(
    document: Any, *, legacy: bool = False, heard: dict[int, str] | None = None
) -> tuple[Exchange, Sent]:
    async def run() -> tuple[Exchange, Sent]:
        async with recording(response(200, json.dumps(document).encode())) as vendor:
            client = GoogleGeocodingClient(vendor.url, "fake", legacy=legacy, timeouts=FAST)
            if heard is not None:
                client.tell(heard.__setitem__)
            async with client:
                exchange = await client.ask([question("reverse_geocode", POINT, 7)], uuid4())
            return exchange, vendor.requests[0]

    return asyncio.run(run())


def asked(document: Any, status: int = 200, *, legacy: bool = False) -> tuple[Exchange, Sent]:
    async def run() -> tuple[Exchange, Sent]:
        async with recording(response(status, json.dumps(document).encode())) as vendor:
            client = GoogleGeocodingClient(vendor.url, "fake", legacy=legacy, timeouts=FAST)
            async with client:
                exchange = await client.ask([question("geocode", SUBJECT)], uuid4())
            return exchange, vendor.requests[0]

    return asyncio.run(run())


def columns(document: Any, *, legacy: bool = False) -> dict[str, Any]:
    (answer,) = asked(document, legacy=legacy)[0].answers
    return parse_geocode(json.loads(answer.body))


def error_v4(status: int, name: str, **detail: Any) -> dict[str, Any]:
    return {"error": {"code": status, "status": name, "message": "hidden", "details": [detail]}}


def test_v4_tells_nobody_the_key_or_the_address_in_the_url() -> None:
    _, sent = asked({"results": [{"placeId": "x", "location": POINT_V4}]})
    assert (sent.method, sent.target) == ("POST", "/v4/geocode/address")
    assert sent.headers["X-HTTP-Method-Override"] == "GET"
    assert sent.headers["X-Goog-Api-Key"] == "fake"
    assert "formattedAddress" not in sent.headers["X-Goog-FieldMask"]
    assert b"1+elm+st+unit+2" in sent.body


@pytest.mark.parametrize(
    "granularity,accuracy,confidence",
    [
        ("ROOFTOP", "rooftop", 95),
        ("RANGE_INTERPOLATED", "interpolated", 80),
        ("GEOMETRIC_CENTER", "center", 50),
        ("APPROXIMATE", "approximate", 30),
        ("NEW_WORD", None, None),
        (None, None, None),
    ],
)
def test_granularity_says_how_sure_a_point_is(
    granularity: str | None, accuracy: str | None, confidence: int | None
) -> None:
    result = {"placeId": "ChIJx", "location": POINT_V4, "granularity": granularity}
    found = columns({"results": [result]})
    assert (found["accuracy"], found["confidence"]) == (accuracy, confidence)
    assert found["partial_match"] is None, "v4 does not tell (F37)"


@pytest.mark.parametrize("partial,confidence", [(True, 40), (False, 95)])
def test_a_partial_match_of_v3_is_less_sure(partial: bool, confidence: int) -> None:
    result = {**RESULT_V3, **({"partial_match": True} if partial else {})}
    found = columns({"status": "OK", "results": [result]}, legacy=True)
    assert (found["partial_match"], found["confidence"]) == (partial, confidence)


def test_only_what_the_terms_allow_is_stored() -> None:
    result = {**RESULT_V3, "address_components": [{"long_name": "Reno"}]}
    (answer,) = asked({"status": "OK", "results": [result]}, legacy=True)[0].answers
    assert json.loads(answer.body)["result"].keys() == {
        *("place_id", "latitude", "longitude", "granularity", "partial_match")
    }


@pytest.mark.parametrize(
    "document,legacy", [({}, False), ({"status": "ZERO_RESULTS", "results": []}, True)]
)
def test_nothing_found_is_no_data_and_paid(document: Any, legacy: bool) -> None:
    (answer,) = asked(document, legacy=legacy)[0].answers
    assert (answer.outcome, answer.cost_micros) == ("no_data", 10_000)
    assert parse_geocode(json.loads(answer.body)) == {}


@pytest.mark.parametrize(
    "status,kind,unbilled",
    [
        ("OVER_QUERY_LIMIT", RateLimited, True),
        ("OVER_DAILY_LIMIT", QuotaExceeded, True),
        ("REQUEST_DENIED", AuthFailed, True),
        ("INVALID_REQUEST", PermanentFailure, True),
        ("UNKNOWN_ERROR", UnknownOutcome, False),
        ("NEW_WORD", BadResponse, False),
    ],
)
def test_f26_a_200_of_v3_that_carries_an_error_is_that_error(
    status: str, kind: type[ProviderError], unbilled: bool
) -> None:
    with pytest.raises(kind) as refused:
        asked({"status": status, "results": [], "error_message": "hidden"}, legacy=True)
    assert refused.value.unbilled is unbilled
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "status,document,kind",
    [
        (400, error_v4(400, "INVALID_ARGUMENT"), PermanentFailure),
        (400, error_v4(400, "INVALID_ARGUMENT", reason="API_KEY_INVALID"), AuthFailed),
        (403, error_v4(403, "PERMISSION_DENIED"), AuthFailed),
        (429, error_v4(429, "RESOURCE_EXHAUSTED"), RateLimited),
        (
            429,
            error_v4(429, "RESOURCE_EXHAUSTED", metadata={"quota_limit": "QueriesPerDay"}),
            QuotaExceeded,
        ),
        (503, error_v4(503, "UNAVAILABLE"), UnknownOutcome),
    ],
)
def test_errors_of_v4_by_what_they_mean(
    status: int, document: Any, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as refused:
        asked(document, status)
    assert refused.value.vendor_code == document["error"]["status"]
    assert refused.value.unbilled is (status < 500)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "status,results", [("OK", []), ("ZERO_RESULTS", [RESULT_V3]), ("OK", ["x"]), ("OK", None)]
)
def test_f27_a_status_that_its_results_belie_is_a_bad_response(status: str, results: Any) -> None:
    with pytest.raises(BadResponse):
        asked({"status": status, "results": results}, legacy=True)


def test_a_point_stands_in_the_path_of_v4_and_a_text_is_asked_for_only_where_somebody_listens() -> (
    None
):
    result = {"placeId": "x", "location": POINT_V4, "formattedAddress": "1 Elm St"}
    heard: dict[int, str] = {}
    exchange, sent = at_point({"results": [result]}, heard=heard)
    assert (sent.method, sent.target) == ("GET", f"/v4/geocode/location/{POINT}")
    assert sent.headers["X-Goog-Api-Key"] == "fake"
    assert "formattedAddress" in sent.headers["X-Goog-FieldMask"]
    assert list(heard.values()) == ["1 Elm St"]
    assert b"Elm" not in exchange.answers[0].body
    _, quiet = at_point({"results": [result]})
    assert "formattedAddress" not in quiet.headers["X-Goog-FieldMask"]


def test_a_point_is_a_parameter_of_v3_and_only_what_the_terms_allow_is_stored() -> None:
    heard: dict[int, str] = {}
    exchange, sent = at_point({"status": "OK", "results": [RESULT_V3]}, legacy=True, heard=heard)
    assert sent.target == f"/maps/api/geocode/json?latlng={POINT}&key=fake"
    assert list(heard.values()) == ["1 Elm St, Reno"]
    assert b"Elm" not in exchange.answers[0].body
    columns = parse_reverse_geocode(json.loads(exchange.answers[0].body))
    assert columns == {
        "latitude": 39.5, "longitude": -119.8, "accuracy": "rooftop", "place_id": "ChIJx"
    }  # fmt: skip


@pytest.mark.parametrize(
    "document,legacy", [({}, False), ({"status": "ZERO_RESULTS", "results": []}, True)]
)
def test_nothing_at_a_point_is_no_data_and_told_to_nobody(document: Any, legacy: bool) -> None:
    heard: dict[int, str] = {}
    (answer,) = at_point(document, legacy=legacy, heard=heard)[0].answers
    assert (answer.outcome, heard) == ("no_data", {})
    assert parse_reverse_geocode(json.loads(answer.body)) == {}


@pytest.mark.parametrize(
    "subject,line",
    [
        (SUBJECT, "1 elm st unit 2, reno, nv 89501, us"),
        ("1 elm st|||||", "1 elm st"),
        ("1 elm st||reno|||", "1 elm st, reno"),
    ],
)
def test_an_address_is_written_on_one_line(subject: str, line: str) -> None:
    assert one_line(subject) == line


@pytest.mark.parametrize(
    "version,host", [("v4", "geocode.googleapis.com"), ("v3", "maps.googleapis.com")]
)
def test_the_version_chooses_the_address(version: str, host: str) -> None:
    settings = GoogleGeocodingSettings.model_validate({"version": version})
    assert repr(VENDOR.make({"api_key": "fake"}, "", settings)) == f"GoogleGeocodingClient({host})"
