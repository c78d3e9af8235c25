"""Google Places (New): what its operations are, cost and may be kept, and how answers are read.

A page of Text Search has at most 20 places, a query at most three pages; beyond that the area is
split (`services.steps.zipcode_businesses`). Kept are place ids (no time limit), counts, and for 29
days the corners of an area and the token of the next page: RULES, Google place_id, geocode
latitude/longitude; "memory only" for the rest. Prices: PROVIDERS 7, the SKU follows the dearest
field of the mask, and a phone makes it Enterprise; before the month's free allowance. A place's
details with nothing but `id` in the mask are free: so ids are refreshed after a year (RULES).

Columns, of `enrichment.zipcode_businesses`: page, area (the corners it was restricted to),
next_page, businesses, found, skipped, matched; of the operation `zipcode_area`: area. Of
`enrichment.business_ids`: current_id.

Belongs here: data and pure parsing. Does not: requests (see `google_places_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.core.business_types import business_type
from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.core.subjects import ZipcodeKey
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation, Question
from resources.businesses import MAX_ID, Business, e164, kept_columns
from resources.fields import Fields, Part

PROVIDER = "google_places"
PAGE_SIZE, PAGES = 20, 3
MASK = (
    "places.id,places.businessStatus,places.internationalPhoneNumber,"
    "places.postalAddress.postalCode,nextPageToken"
)
AREA_MASK = "places.viewport"
ID_MASK = "id"
MAX_TOKEN = 2_000
_RETENTION = timedelta(days=29)


def _operation(name: str, *inputs: str) -> Operation:
    return Operation(name, "zipcode", "google_place", _RETENTION, inputs=inputs)


OPERATIONS: Mapping[str, Operation] = {
    "search": _operation("search"),
    "search_more": _operation("search_more", "page", "token", "area"),
    "zipcode_area": _operation("zipcode_area"),
    "place_id": Operation("place_id", "business", "google_place_id", None, on_unknown="ask_again"),
}

_SOURCE = "Google Maps: Text Search Enterprise, $35 per 1,000"
_FREE = "Google Maps: Place Details Essentials (IDs Only), free of charge"
PRICES: tuple[Price, ...] = (
    *(
        Price(PROVIDER, operation, 35_000, _SOURCE, date(2026, 10, 1))
        for operation in ("search", "search_more", "zipcode_area")
    ),
    Price(PROVIDER, "place_id", 0, _FREE, date(2026, 10, 1)),
)

_READ = Fields("Google Places")


def most_requests(limit: int) -> int:
    """Requests for one ZIP code that are worth making to find `limit` businesses.

    Beyond a query's 60 places: its three pages, the area, and two requests per further page's
    worth, since parts of an area seldom fill their pages.
    """
    pages = -(-limit // PAGE_SIZE)
    return pages if pages <= PAGES else PAGES + 1 + 2 * (pages - PAGES)


def request_of(question: Question) -> dict[str, Any]:
    """The body of a Text Search; a further page repeats everything and adds its token."""
    key = ZipcodeKey.parse(question.subject)
    if question.operation == "zipcode_area":
        return {"textQuery": key.zipcode, "includedType": "postal_code", "regionCode": "US"}
    wanted = business_type(key.business_type)
    body: dict[str, Any] = {
        "textQuery": f"{wanted.words} in {key.zipcode}",
        "pageSize": PAGE_SIZE,
        "regionCode": "US",
    }
    if wanted.google:
        body |= {"includedType": wanted.google, "strictTypeFiltering": True}
    if "area" in question.params:
        body["locationRestriction"] = {"rectangle": _rectangle(question.params["area"])}
    if "token" in question.params:
        body["pageToken"] = question.params["token"]
    return body


def _rectangle(area: str) -> dict[str, Any]:
    south, west, north, east = map(float, area.split(","))
    return {
        "low": {"latitude": south, "longitude": west},
        "high": {"latitude": north, "longitude": east},
    }


def businesses_of(document: Part) -> list[Business]:
    """The places of an answer; in memory only."""
    return [_business(one) for one in _READ.parts(document, "places")]


def _business(place: Part) -> Business:
    business_id = _READ.text(place, "id", MAX_ID)
    if business_id is None:
        raise BadResponse("Google Places: a place has no id.", status=200)
    return Business(
        business_id,
        e164(_READ.text(place, "internationalPhoneNumber", 40)),
        _READ.text(_READ.part(place, "postalAddress"), "postalCode", 20) or "",
        _READ.text(place, "businessStatus", 40) == "CLOSED_PERMANENTLY",
    )


def next_page_of(document: Part) -> str | None:
    """The token of the next page; None on the last."""
    return _READ.text(document, "nextPageToken", MAX_TOKEN)


def area_of(document: Part) -> str | None:
    """The corners of the first place: south, west, north, east; None where nothing was found."""
    places = _READ.parts(document, "places")
    if not places:
        return None
    viewport = _READ.part(places[0], "viewport")
    low, high = _READ.part(viewport, "low"), _READ.part(viewport, "high")
    corners = [
        _READ.number(low, "latitude", -90, 90),
        _READ.number(low, "longitude", -180, 180),
        _READ.number(high, "latitude", -90, 90),
        _READ.number(high, "longitude", -180, 180),
    ]
    found = [one for one in corners if one is not None]
    if len(found) < len(corners):
        raise BadResponse("Google Places: an area has no corners.", status=200)
    return ",".join(f"{one:.6f}" for one in found)


def current_id_of(document: Part) -> str:
    """The id a place goes by now."""
    found = _READ.text(document, "id", MAX_ID)
    if found is None:
        raise BadResponse("Google Places: a place has no id.", status=200)
    return found


def parse_place_id(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of an id asked for again."""
    return {"current_id": _READ.text(answer, "id", MAX_ID)}


def parse_search(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a page."""
    return {
        **kept_columns(_READ, answer),
        "area": _READ.text(answer, "area", 80),
        "next_page": _READ.text(answer, "next_page", MAX_TOKEN),
    }


def parse_area(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of an area."""
    return {"area": _READ.text(answer, "area", 80)}
