"""Google Places (New) over HTTP: one client, no Dagster.

`POST /v1/places:searchText`, key and field mask in headers; without a mask it refuses. One request
is one page: the engine pays each by itself. Errors are an HTTP status and a google.rpc body.

`GET /v1/places/{id}` with the mask `id` says what an id has become: the same, another one, or 404
NOT_FOUND.

Billing: a page without places is billed like any other; refusals are not, nor is an id.

Belongs here: the URL and what leaves the exchange. Does not: shapes (see `google_places_records`),
retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.core.subjects import ZipcodeKey
from bulk_lookup_dagster.engine.provider import Answer, Exchange, OutcomeKind, Question
from resources.businesses import kept_of
from resources.comparing_client import ComparingClient
from resources.google_errors import google_error, is_not_found
from resources.google_places_records import (
    AREA_MASK,
    ID_MASK,
    MASK,
    OPERATIONS,
    PRICES,
    PROVIDER,
    area_of,
    businesses_of,
    current_id_of,
    next_page_of,
    parse_area,
    parse_place_id,
    parse_search,
    request_of,
)
from resources.http import JSON, Reply
from resources.vendor import Vendor
from resources.vendor_client import json_body

DEFAULT_BASE_URL = "https://places.googleapis.com"
_PATH = "/v1/places:searchText"
_PLACE = "/v1/places/"
_ANSWER = {"places", "nextPageToken"}


class GooglePlacesClient(ComparingClient):
    """One page of a search per request."""

    name = PROVIDER
    operations = OPERATIONS
    default_base_url = DEFAULT_BASE_URL
    key_header = "X-Goog-Api-Key"
    parsers = {  # noqa: RUF012 - declared a ClassVar by the base
        "search": parse_search,
        "search_more": parse_search,
        "zipcode_area": parse_area,
        "place_id": parse_place_id,
    }

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """One page of businesses, the corners of a ZIP code, or what an id has become."""
        (question,) = questions
        if question.operation == "place_id":
            return await self._current(question, request_id)
        mask = AREA_MASK if question.operation == "zipcode_area" else MASK
        body = orjson.dumps(request_of(question))
        reply = await self._transport.post(
            _PATH, body, request_id, JSON, {"X-Goog-FieldMask": mask}
        )
        document = _document(reply, self._transport.host)
        kept = await self._kept(question, document)
        found = kept["area"] if question.operation == "zipcode_area" else kept["businesses"]
        outcome: OutcomeKind = "data" if found else "no_data"
        answer = Answer(question.claim_id, outcome, question.max_micros, orjson.dumps(kept))
        return Exchange(reply.status, len(reply.body), [answer])

    async def _current(self, question: Question, request_id: UUID) -> Exchange:
        path = f"{_PLACE}{quote(question.subject, safe='')}"
        reply = await self._transport.get(path, request_id, {"X-Goog-FieldMask": ID_MASK})
        gone = is_not_found(reply)
        current = None if gone else current_id_of(_object(reply, self._transport.host))
        outcome: OutcomeKind = "no_data" if gone else "data"
        body = orjson.dumps({"id": current})
        answer = Answer(question.claim_id, outcome, question.max_micros, body)
        return Exchange(reply.status, len(reply.body), [answer])

    async def _kept(self, question: Question, document: Mapping[str, Any]) -> dict[str, Any]:
        if question.operation == "zipcode_area":
            return {"area": area_of(document)}
        found = businesses_of(document)
        zipcode = ZipcodeKey.parse(question.subject).zipcode
        return {
            "page": int(question.params.get("page", "1")),
            "area": question.params.get("area"),
            "next_page": next_page_of(document),
            **await kept_of(found, zipcode, self._book),
        }


def _document(reply: Reply, host: str) -> Mapping[str, Any]:
    """The page of a 200, empty where nothing was found."""
    document = _object(reply, host)
    if document.keys() - _ANSWER:
        raise BadResponse(f"{host} answered without places.", status=200)
    return document


def _object(reply: Reply, host: str) -> Mapping[str, Any]:
    """The object of a 200, or the error any other reply means."""
    if reply.status != 200:
        raise google_error(reply, host)
    document = json_body(reply)
    if not isinstance(document, dict):
        raise BadResponse(f"{host} answered without places.", status=200)
    return document


VENDOR = Vendor(
    name=PROVIDER,
    title="Google Places",
    version="v1 (New)",
    variables={"api_key": "GOOGLE_PLACES_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="GOOGLE_PLACES_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=GooglePlacesClient.built,
    sign_up="Create a project with billing, enable Places API (New), make a key.",
    docs="https://developers.google.com/maps/documentation/places/web-service/text-search",
)
