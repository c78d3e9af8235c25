"""Google Places (New) as the sandbox plays it: Text Search; contract `google_places_v1`.

Quirks: without a field mask nothing is answered, and nothing outside the mask is; pages of more
than 20 become 20; a query ends at 60 places; a page token is refused unless everything else is
repeated; an answer without places is an empty object. ZIP codes have corners in our towns only.
An id names its place until `PUT places {"moved": {"old": "new"}, "gone": ["id"]}` says otherwise:
asked for, the old one is answered with the new one, one that is gone with 404.

Belongs here: this vendor's path, bodies and quirks. Does not: faults, billing, the log (`account`).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.google_geocoding import (
    GOOGLE_ERRORS,
    google_failure,
    key_refusal,
)
from bulk_lookup_dagster.sandbox.neighbourhood import Listing, listed
from bulk_lookup_dagster.sandbox.places import town_of
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import PlainSimulator, Reply, json_object, json_reply

_PATH = "/v1/places:searchText"
_PLACE = re.compile(r"/v1/places/(\w[\w-]*)", re.ASCII)
_PLACE_ID = re.compile(r"ChIJ[\w-]{22}", re.ASCII)
_KNOWN_SHARE, _PHONE_SHARE = 0.9, 0.92
_PAGE, _MOST = 20, 60
_REACH = 0.07
_ZIPCODE = re.compile(r"\b(\d{5})\b")
_BAD = "INVALID_ARGUMENT"


class GooglePlaces(PlainSimulator):
    """The vendor; any key but `wrong` is one of ours."""

    name = "google_places"
    prices: Mapping[str, int] = {
        **dict.fromkeys(("search", "search_more", "zipcode_area"), 35_000),
        "place_id": 0,
    }
    errors = GOOGLE_ERRORS

    def __init__(self) -> None:
        self._moved: dict[str, str] = {}
        self._gone: set[str] = set()

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The words that are searched or the id, and the operation this means to us."""
        named = _PLACE.fullmatch(request.path)
        if named:
            return named[1], ("place_id",)
        body = _body(request)
        return str(body.get("textQuery", "")), (_operation(body),)

    def answer(self, request: Request) -> Reply:
        """A page of places, a place, or a refusal."""
        named = _PLACE.fullmatch(request.path) if request.method == "GET" else None
        if not named and (request.method != "POST" or request.path != _PATH):
            return Reply(404, b"<html>Not Found</html>", content_type="text/html", counted=False)
        refusal = key_refusal(request.header(b"x-goog-api-key"))
        if refusal is not None:
            return refusal
        return self._place(named[1], request) if named else self._search(request)

    def control(self, name: str, document: Any) -> bool:
        """`places`: which ids gave way to which, and which name nothing any more."""
        if name == "places":
            self._moved = {str(old): str(new) for old, new in document.get("moved", {}).items()}
            self._gone = {str(one) for one in document.get("gone", [])}
        return name == "places"

    def _place(self, place: str, request: Request) -> Reply:
        mask = request.header(b"x-goog-fieldmask")
        if not mask:
            return google_failure(400, _BAD, "FieldMask is a required parameter.")
        if not _PLACE_ID.fullmatch(place):
            return google_failure(400, _BAD, f"Not a valid Place ID: {place}")
        if place in self._gone:
            reply = google_failure(404, "NOT_FOUND", "The Place ID is no longer valid.")
            reply.counted = True
            return reply
        current = {"id": self._moved.get(place, place)}
        return json_reply(current if {"id", "*"} & set(mask.split(",")) else {})

    def _search(self, request: Request) -> Reply:
        body, mask = _body(request), request.header(b"x-goog-fieldmask")
        wrong = _wrong(body, mask)
        if wrong:
            return google_failure(400, _BAD, wrong)
        start = _start(body)
        if start is None:
            message = "Request parameters must match those of the page before."
            return google_failure(400, _BAD, message)
        billed = ((f"{orjson.dumps(body).decode()}", _operation(body)),)
        return json_reply(self._page(body, mask.split(","), start), billed=billed)

    def _page(self, body: Mapping[str, Any], mask: Sequence[str], start: int) -> dict[str, Any]:
        page = _page(body, start)
        known = [one for one in page["places"] if one["id"] not in self._gone]
        page["places"] = [{**one, "id": self._moved.get(one["id"], one["id"])} for one in known]
        return _masked(page, mask)


def _body(request: Request) -> Mapping[str, Any]:
    try:
        return json_object(request.body)
    except InputError:
        return {}


def _operation(body: Mapping[str, Any]) -> str:
    if body.get("includedType") == "postal_code":
        return "zipcode_area"
    more = body.get("pageToken") or body.get("locationRestriction")
    return "search_more" if more else "search"


def _wrong(body: Mapping[str, Any], mask: str) -> str:
    """What is wrong with a request; '' where nothing is."""
    if not mask:
        return "FieldMask is a required parameter."
    if not body.get("textQuery"):
        return "Empty text_query."
    size = body.get("pageSize", 0)
    if not isinstance(size, int) or size < 0:
        return "page_size must not be negative."
    corners = body.get("locationRestriction", {}).get("rectangle")
    if corners and corners["low"]["latitude"] > corners["high"]["latitude"]:
        return "Invalid rectangle viewport: low latitude is above high latitude."
    return ""


def _fingerprint(body: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in body.items() if name != "pageToken"}
    return f"{draw(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS).decode()):016x}"


def _token(body: Mapping[str, Any], start: int) -> str:
    return urlsafe_b64encode(f"{start}:{_fingerprint(body)}".encode()).decode().rstrip("=")


def _start(body: Mapping[str, Any]) -> int | None:
    """Where the page begins; None where its token is of another request."""
    if not body.get("pageToken"):
        return 0
    token = str(body["pageToken"])
    try:
        start, _, made_for = (
            urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().partition(":")
        )
    except ValueError:
        return None
    return int(start) if start.isdigit() and made_for == _fingerprint(body) else None


def _page(body: Mapping[str, Any], start: int) -> dict[str, Any]:
    found = _ZIPCODE.search(body["textQuery"])
    zipcode = found[1] if found else ""
    if body.get("includedType") == "postal_code":
        return {"places": _areas(zipcode)}
    kinds = (body["includedType"],) if body.get("includedType") else ()
    listings = listed("google_places", zipcode, _KNOWN_SHARE, kinds) if zipcode else []
    corners = body.get("locationRestriction", {}).get("rectangle")
    places = [_place(one) for one in listings if not corners or _inside(one, corners)][:_MOST]
    size = min(_PAGE, body.get("pageSize") or _PAGE)
    end = start + size
    answer: dict[str, Any] = {"places": places[start:end]}
    if end < len(places):
        answer["nextPageToken"] = _token(body, end)
    return answer


def _inside(one: Listing, corners: Mapping[str, Mapping[str, float]]) -> bool:
    point, low, high = one.point, corners["low"], corners["high"]
    return (
        point is not None
        and low["latitude"] <= point.latitude <= high["latitude"]
        and low["longitude"] <= point.longitude <= high["longitude"]
    )


def _areas(zipcode: str) -> list[dict[str, Any]]:
    town = town_of("", "", zipcode)
    if town is None:
        return []
    low = {"latitude": town.latitude - _REACH, "longitude": town.longitude - _REACH}
    high = {"latitude": town.latitude + _REACH, "longitude": town.longitude + _REACH}
    return [{"id": place_id(zipcode), "viewport": {"low": low, "high": high}}]


def place_id(key: str) -> str:
    """The id of a place."""
    digest = draw("place", key).to_bytes(8, "big") * 2
    return "ChIJ" + urlsafe_b64encode(digest).decode().rstrip("=")


def _place(one: Listing) -> dict[str, Any]:
    firm, address = one.company, one.company.address
    told = knows("google_places", "phone", firm.key, _PHONE_SHARE) and firm.phone
    place = {
        "id": place_id(firm.key),
        "displayName": {"text": firm.name, "languageCode": "en"},
        "formattedAddress": f"{address.line}, USA",
        "postalAddress": {
            "regionCode": "US",
            "postalCode": address.postal_code,
            "administrativeArea": address.state,
            "locality": address.city,
            "addressLines": [address.street],
        },
        "businessStatus": "CLOSED_PERMANENTLY" if one.closed else "OPERATIONAL",
        "websiteUri": firm.site,
        "primaryType": one.kind or "corporate_office",
        "types": [one.kind or "corporate_office", "point_of_interest"],
    }
    if told:
        number = firm.phone
        place["internationalPhoneNumber"] = f"+1 {number[2:5]}-{number[5:8]}-{number[8:]}"
    return place


def _masked(answer: Mapping[str, Any], mask: Sequence[str]) -> dict[str, Any]:
    """What the mask names of an answer; an empty list is left out, as Google does."""
    if "*" in mask:
        return {name: value for name, value in answer.items() if value}
    kept: dict[str, Any] = {}
    if "nextPageToken" in mask and answer.get("nextPageToken"):
        kept["nextPageToken"] = answer["nextPageToken"]
    fields = [one.removeprefix("places.").split(".") for one in mask if one.startswith("places.")]
    places = [_cut(place, fields) for place in answer["places"]]
    return {**({"places": places} if places else {}), **kept}


def _cut(place: Mapping[str, Any], fields: Sequence[Sequence[str]]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, *inner in fields:
        value = place.get(name)
        if value is None:
            continue
        kept[name] = {inner[0]: value.get(inner[0])} if inner else value
    return kept
