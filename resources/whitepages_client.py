"""Whitepages over HTTP: one client, no Dagster.

`GET /v1/person?phone=…` answers with a list, and an empty one is billed like any other. 403 is a
wrong key; 429 is "Too Many Requests" (slower) or "Limit Exceeded" (the month is used up). Pages of
theirs disagree whether a 400 is billed, so it is not taken for free.

Belongs here: URL, request shape, this vendor's errors. Does not: parsing (see
`whitepages_records`), retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson

from bulk_lookup_dagster.core.errors import BadResponse, ProviderError, QuotaExceeded
from bulk_lookup_dagster.engine.provider import Answer, Exchange, Question
from resources.http import Reply
from resources.key_client import KeyClient
from resources.vendor import Vendor
from resources.vendor_client import json_body
from resources.whitepages_records import OPERATIONS, PRICES, PROVIDER, kept_of, parse_person
from resources.wire_errors import status_error

DEFAULT_BASE_URL = "https://api.whitepages.com"
UNBILLED_STATUSES = frozenset({401, 403, 404, 429})


class WhitepagesClient(KeyClient):
    """One number per request."""

    name = PROVIDER
    operations = OPERATIONS
    default_base_url = DEFAULT_BASE_URL
    key_header = "X-Api-Key"
    parsers = {"person": parse_person}  # noqa: RUF012 - declared a ClassVar by the base

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Who is reached under one number."""
        (question,) = questions
        target = f"/v1/person?phone={quote(question.subject, safe='')}"
        reply = await self._transport.get(target, request_id)
        people = _people(reply, self._transport.host)
        body = orjson.dumps(kept_of(people))
        cost = question.max_micros
        answer = Answer(question.claim_id, "data" if people else "no_data", cost, body)
        return Exchange(reply.status, len(reply.body), [answer])


def _people(reply: Reply, host: str) -> list[Mapping[str, Any]]:
    """The list of a 200, or the error that any other reply stands for."""
    document = json_body(reply)
    if reply.status != 200:
        raise _error(reply, document, host)
    if not isinstance(document, list) or not all(isinstance(one, dict) for one in document):
        raise BadResponse(f"{host} answered without a list of people.", status=200)
    return document


def _error(reply: Reply, document: Any, host: str) -> ProviderError:
    message = document.get("message") if isinstance(document, dict) else None
    if reply.status == 429 and message == "Limit Exceeded":
        return QuotaExceeded(f"{host} says that the month's allowance is used up.", status=429)
    wait = reply.headers.get("Retry-After")
    return status_error(host, reply.status, wait=wait, unbilled=UNBILLED_STATUSES)


VENDOR = Vendor(
    name=PROVIDER,
    title="Whitepages",
    version="v1",
    variables={"api_key": "WHITEPAGES_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="WHITEPAGES_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=WhitepagesClient.built,
    sign_up="Sign up; a trial has 50 queries in 14 days. No price is published: nothing is bought"
    " before yours is set.",
    docs="https://api.whitepages.com/docs",
)
