"""Places and Yelp: what leaves an exchange, pages and their limits, errors by what they mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    PermanentFailure,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    UnknownOutcome,
)
from bulk_lookup_dagster.engine.provider import Exchange, Question
from resources import google_places_records, yelp_records
from resources.businesses import e164
from resources.google_places_client import GooglePlacesClient
from resources.yelp_client import YelpClient
from tests.contracts.client_contract import FAST, question
from tests.fakes.recorder import recording, response

OURS = "+16025790001"


class Book:
    """Knows one number, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    async def known(self, phones: Collection[str]) -> Mapping[str, int] | None:
        self.asked |= set(phones)
        return {OURS: 17} if OURS in phones else {}


def place(number: int, phone: str | None, postal_code: str = "85001", **more: Any) -> Any:
    return {
        "id": f"id-{number}",
        "internationalPhoneNumber": phone,
        "postalAddress": {"postalCode": postal_code},
        **more,
    }


PLACES = [
    place(1, "+1 602-579-0001"),
    place(2, "+1 602-579-0002"),
    place(3, None),
    place(4, "+1 602-579-0004", "85002"),
    place(5, "+1 602-579-0005", businessStatus="CLOSED_PERMANENTLY"),
    place(6, "not a number", "85001-1234"),
]


def business(one: Mapping[str, Any]) -> Any:
    return {
        "id": one["id"],
        "name": "hidden name",
        "phone": one["internationalPhoneNumber"] or "",
        "location": {"zip_code": one["postalAddress"]["postalCode"]},
        "is_closed": one.get("businessStatus") == "CLOSED_PERMANENTLY",
    }


GOOGLE = {"places": PLACES, "nextPageToken": "token-1"}
YELP = {"businesses": [business(one) for one in PLACES], "total": 90}
Client = type[GooglePlacesClient] | type[YelpClient]


def asked(
    kind: Client, document: Any, status: int = 200, *, about: Question | None = None,
    headers: str = "", book: Book | None = None,
) -> Exchange:  # fmt: skip
    async def run() -> Exchange:
        answer = response(status, json.dumps(document).encode(), headers)
        async with recording(answer) as vendor, kind(vendor.url, "fake", timeouts=FAST) as client:
            if book is not None:
                client.use_phone_book(book)
            return await client.ask([about or question("search", "85001|")], uuid4())

    return asyncio.run(run())


@pytest.mark.parametrize(
    "kind,document", [(GooglePlacesClient, GOOGLE), (YelpClient, YELP)], ids=["google", "yelp"]
)
def test_ids_matches_and_counts_leave_the_exchange_and_nothing_else(
    kind: Client, document: Any
) -> None:
    book = Book()
    (answer,) = asked(kind, document, book=book).answers
    kept = json.loads(answer.body)
    assert kept["businesses"] == [
        {"id": "id-1", "phone_subject_id": 17},
        {"id": "id-2", "phone_subject_id": None},
        {"id": "id-3", "phone_subject_id": None},
        {"id": "id-6", "phone_subject_id": None},
    ]
    assert book.asked == {OURS, "+16025790002"}, "only of those that are kept"
    for private in ("602", "8500", "hidden", "not a number"):
        assert private not in answer.body.decode()
    columns = kind("http://127.0.0.1:9", "fake").parse("search", answer.body)
    assert {name: columns[name] for name in ("page", "found", "skipped", "matched")} == {
        "page": 1,
        "found": 4,
        "skipped": 2,
        "matched": 1,
    }


@pytest.mark.parametrize("kind,document", [(GooglePlacesClient, GOOGLE), (YelpClient, YELP)])
def test_what_could_not_be_compared_is_not_taken_for_no_match(kind: Client, document: Any) -> None:
    (answer,) = asked(kind, document).answers
    columns = kind("http://127.0.0.1:9", "fake").parse("search", answer.body)
    assert (columns["found"], columns["matched"]) == (4, None)


@pytest.mark.parametrize(
    "kind,document",
    [
        (GooglePlacesClient, {}),
        (GooglePlacesClient, {"places": PLACES[3:5]}),
        (YelpClient, {"businesses": [], "total": 0}),
    ],
)
def test_nobody_here_is_no_data_and_paid(kind: Client, document: Any) -> None:
    (answer,) = asked(kind, document).answers
    assert (answer.outcome, answer.cost_micros) == ("no_data", 10_000)


def test_the_corners_of_a_zipcode_are_read_or_it_is_not_known() -> None:
    about = question("zipcode_area", "85001|")
    corners = {"low": {"latitude": 1, "longitude": -2}, "high": {"latitude": 3, "longitude": 4.5}}
    (answer,) = asked(GooglePlacesClient, {"places": [{"viewport": corners}]}, about=about).answers
    client = GooglePlacesClient("http://127.0.0.1:9", "fake")
    assert client.parse("zipcode_area", answer.body) == {
        "area": "1.000000,-2.000000,3.000000,4.500000"
    }
    (nothing,) = asked(GooglePlacesClient, {}, about=about).answers
    assert nothing.outcome == "no_data"
    with pytest.raises(BadResponse):
        asked(GooglePlacesClient, {"places": [{"viewport": {"low": {}}}]}, about=about)


def test_a_further_page_repeats_everything_and_adds_its_token() -> None:
    first = google_places_records.request_of(question("search", "85001|dentist"))
    assert first == {
        "textQuery": "dentists in 85001",
        "pageSize": 20,
        "regionCode": "US",
        "includedType": "dentist",
        "strictTypeFiltering": True,
    }
    second = question("search_more", "85001|dentist", page="2", token="t")
    assert google_places_records.request_of(second) == {**first, "pageToken": "t"}
    part = question("search_more", "85001|dentist", page="1", area="1,-2,3,4")
    rectangle = {"low": {"latitude": 1, "longitude": -2}, "high": {"latitude": 3, "longitude": 4}}
    assert google_places_records.request_of(part) == {
        **first, "locationRestriction": {"rectangle": rectangle}
    }  # fmt: skip


@given(st.integers(1, 1_000))
def test_requests_cover_the_limit_and_yelp_never_passes_240(limit: int) -> None:
    google, yelp = google_places_records.most_requests(limit), yelp_records.most_requests(limit)
    assert google * 20 >= limit
    assert google <= 3 or limit > 60
    assert 50 * (yelp - 1) < min(limit, 240) <= 50 * yelp


def google_error(name: str, **detail: Any) -> Any:
    return {"error": {"status": name, "message": "hidden", "details": [detail]}}


def yelp_error(code: str) -> Any:
    return {"error": {"code": code, "description": "hidden"}}


@pytest.mark.parametrize(
    "kind,status,document,error",
    [
        (GooglePlacesClient, 400, google_error("INVALID_ARGUMENT"), PermanentFailure),
        (GooglePlacesClient, 400, google_error("X", reason="API_KEY_INVALID"), AuthFailed),
        (GooglePlacesClient, 403, google_error("PERMISSION_DENIED"), AuthFailed),
        (GooglePlacesClient, 429, google_error("RESOURCE_EXHAUSTED"), RateLimited),
        (
            *(GooglePlacesClient, 429),
            google_error("X", metadata={"quota_limit": "SearchTextPerDay"}),
            QuotaExceeded,
        ),
        (GooglePlacesClient, 503, google_error("UNAVAILABLE"), UnknownOutcome),
        (YelpClient, 400, yelp_error("LOCATION_NOT_FOUND"), PermanentFailure),
        (YelpClient, 400, yelp_error("VALIDATION_ERROR"), PermanentFailure),
        (YelpClient, 401, yelp_error("TOKEN_INVALID"), AuthFailed),
        (YelpClient, 403, yelp_error("AUTHORIZATION_ERROR"), AuthFailed),
        (YelpClient, 429, yelp_error("TOO_MANY_REQUESTS_PER_SECOND"), RateLimited),
        (YelpClient, 429, yelp_error("ACCESS_LIMIT_REACHED"), QuotaExceeded),
        (YelpClient, 500, yelp_error("INTERNAL_ERROR"), UnknownOutcome),
    ],
)
def test_f25_errors_by_what_they_mean(
    kind: Client, status: int, document: Any, error: type[ProviderError]
) -> None:
    with pytest.raises(error) as refused:
        asked(kind, document, status)
    assert refused.value.unbilled is (status < 500)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "header,until",
    [
        ("RateLimit-ResetTime: 2027-01-02T00:00:00+00:00\r\n", datetime(2027, 1, 2, tzinfo=UTC)),
        ("RateLimit-ResetTime: 2027-01-02T00:00:00Z\r\n", datetime(2027, 1, 2, tzinfo=UTC)),
        ("RateLimit-ResetTime: soon\r\n", None),
        ("", None),
    ],
)
def test_f25_the_allowance_is_back_when_yelp_says_so(header: str, until: datetime | None) -> None:
    with pytest.raises(QuotaExceeded) as refused:
        asked(YelpClient, yelp_error("ACCESS_LIMIT_REACHED"), 429, headers=header)
    back = refused.value.until
    assert back is not None
    assert back == until or (until is None and back > datetime.now(UTC) and back.hour == 0)


@pytest.mark.parametrize(
    "text,number",
    [("+1 602-579-0001", OURS), ("(602) 579-0001", OURS), ("", ""), (None, ""), ("12", "")],
)
def test_a_number_is_compared_as_e164(text: str | None, number: str) -> None:
    assert e164(text) == number
