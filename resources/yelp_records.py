"""Yelp's business search: what its operations are, cost and may be kept, how answers are read.

A page has at most 50 businesses, a search at most 240. Kept are business ids (no time limit) and
counts; everything else is "memory only" here, although RULES allows content for 23 hours: a row
and its stored part end then. No price is published that two readings agree on (PROVIDERS 9), so the
list price is the dearest of the three plans until the operator sets the account's own.

Columns, of `enrichment.zipcode_businesses`: page, businesses, found, skipped, matched, total.

Belongs here: data and pure parsing. Does not: requests (see `yelp_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from bulk_lookup_dagster.core.business_types import business_type
from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.core.subjects import ZipcodeKey
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation, Question
from resources.businesses import MAX_ID, Business, e164, kept_columns
from resources.fields import Fields, Part

PROVIDER = "yelp"
PAGE_SIZE, MOST = 50, 240
_RETENTION = timedelta(hours=23)

OPERATIONS: Mapping[str, Operation] = {
    "search": Operation("search", "zipcode", "yelp_content", _RETENTION),
    "search_more": Operation(
        "search_more", "zipcode", "yelp_content", _RETENTION, inputs=("page",)
    ),
}

_SOURCE = "Yelp: Enterprise, $14.99 per 1,000; cheaper plans exist"
PRICES: tuple[Price, ...] = tuple(
    Price(PROVIDER, operation, 14_990, _SOURCE, date(2026, 10, 1)) for operation in OPERATIONS
)

_READ = Fields("Yelp")


def most_requests(limit: int) -> int:
    """Requests for one ZIP code that are worth making to find `limit` businesses."""
    return -(-min(limit, MOST) // PAGE_SIZE)


def target_of(question: Question) -> str:
    """Path and query of a search; offset and limit together never pass 240."""
    key = ZipcodeKey.parse(question.subject)
    alias = business_type(key.business_type).yelp
    offset = (int(question.params.get("page", "1")) - 1) * PAGE_SIZE
    query = {
        "location": f"{key.zipcode}, US",
        **({"categories": alias} if alias else {}),
        "limit": str(min(PAGE_SIZE, MOST - offset)),
        "offset": str(offset),
    }
    return f"/businesses/search?{urlencode(query)}"


def businesses_of(document: Part) -> list[Business]:
    """The businesses of an answer; in memory only."""
    return [_business(one) for one in _READ.parts(document, "businesses")]


def _business(one: Part) -> Business:
    business_id = _READ.text(one, "id", MAX_ID)
    if business_id is None:
        raise BadResponse("Yelp: a business has no id.", status=200)
    return Business(
        business_id,
        e164(_READ.text(one, "phone", 40)),
        _READ.text(_READ.part(one, "location"), "zip_code", 20) or "",
        bool(_READ.flag(one, "is_closed")),
    )


def total_of(document: Part) -> int:
    """How many businesses the search has, whether or not pages reach them."""
    total = _READ.whole(document, "total", 0, 1_000_000)
    if total is None:
        raise BadResponse("Yelp: an answer has no total.", status=200)
    return total


def parse_search(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a page."""
    return {**kept_columns(_READ, answer), "total": _READ.whole(answer, "total", 0, 1_000_000)}
