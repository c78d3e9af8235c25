"""Yelp's business search over HTTP: one client, no Dagster.

`GET /businesses/search` with a bearer token, one page per request. Errors are `{"error": {code,
description}}`, and the code comes before the status: 429 is "slower" (TOO_MANY_REQUESTS_PER_SECOND)
or the day's allowance (ACCESS_LIMIT_REACHED), which is back at `RateLimit-ResetTime`.

Billing: calls that are refused do not count; every other does, with businesses or without.

Belongs here: the URL, this vendor's errors, what leaves the exchange. Does not: shapes (see
`yelp_records`), retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from bulk_lookup_dagster.core.errors import (
    BadResponse,
    PermanentFailure,
    ProviderError,
    QuotaExceeded,
)
from bulk_lookup_dagster.core.subjects import ZipcodeKey
from bulk_lookup_dagster.engine.provider import Answer, Exchange, OutcomeKind, Question
from resources.businesses import kept_of
from resources.comparing_client import ComparingClient
from resources.http import Reply
from resources.vendor import Vendor
from resources.vendor_client import json_body
from resources.wire_errors import status_error
from resources.yelp_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    businesses_of,
    parse_search,
    target_of,
    total_of,
)

DEFAULT_BASE_URL = "https://api.yelp.com/v3"
UNBILLED_STATUSES = frozenset({400, 401, 403, 404, 429})
_UNKNOWN_PLACE = "LOCATION_NOT_FOUND"


class YelpClient(ComparingClient):
    """One page of a search per request."""

    name = PROVIDER
    operations = OPERATIONS
    default_base_url = DEFAULT_BASE_URL
    key_header = "Authorization"
    key_prefix = "Bearer "
    parsers = {"search": parse_search, "search_more": parse_search}  # noqa: RUF012 - a ClassVar

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """One page of businesses."""
        (question,) = questions
        reply = await self._transport.get(target_of(question), request_id)
        document = _document(reply, self._transport.host)
        zipcode = ZipcodeKey.parse(question.subject).zipcode
        kept = {
            "page": int(question.params.get("page", "1")),
            "total": total_of(document),
            **await kept_of(businesses_of(document), zipcode, self._book),
        }
        outcome: OutcomeKind = "data" if kept["businesses"] else "no_data"
        answer = Answer(question.claim_id, outcome, question.max_micros, orjson.dumps(kept))
        return Exchange(reply.status, len(reply.body), [answer])


def _document(reply: Reply, host: str) -> Mapping[str, Any]:
    """The object of a 200, or the error any other reply means."""
    document = json_body(reply)
    if reply.status != 200:
        raise _error(reply, document, host)
    if not isinstance(document, dict) or "businesses" not in document:
        raise BadResponse(f"{host} answered without businesses.", status=200)
    return document


def _error(reply: Reply, document: Any, host: str) -> ProviderError:
    error = document.get("error") if isinstance(document, dict) else None
    code = str(error.get("code"))[:60] if isinstance(error, dict) and error.get("code") else None
    if reply.status == 429 and code == "ACCESS_LIMIT_REACHED":
        return QuotaExceeded(
            f"{host} says that the day's allowance is used up.",
            status=429,
            vendor_code=code,
            until=_reset(reply.headers.get("RateLimit-ResetTime")),
        )
    if reply.status == 400 and code == _UNKNOWN_PLACE:
        return PermanentFailure(
            f"{host} does not know this ZIP code.", status=400, vendor_code=code, unbilled=True
        )
    wait = reply.headers.get("Retry-After")
    return status_error(host, reply.status, vendor_code=code, wait=wait, unbilled=UNBILLED_STATUSES)


def _reset(text: str | None) -> datetime:
    """When the allowance is back: as told, else at midnight UTC."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=1)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


VENDOR = Vendor(
    name=PROVIDER,
    title="Yelp",
    version="v3 (Fusion)",
    variables={"api_key": "YELP_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="YELP_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=YelpClient.built,
    sign_up="Create an app in the developer portal and take a paid plan; there is no free tier.",
    docs="https://docs.developer.yelp.com/reference/v3_business_search",
)
