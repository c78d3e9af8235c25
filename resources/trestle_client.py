"""Trestle over HTTP: one client, no Dagster.

`GET /3.2/phone` (who is reached under a number) and `GET /3.0/phone_intel` (is it alive). Errors
come as `{errorCode, message, hint}` or `{error, message}`. 403 MISSING_API_KEY means a wrong path
or method. A 200 with `error` is a partial answer and usable; one without any owner is "no data".

Billing: per query; 400, 403 and 429 are refusals without one. A 500 may have been processed.

Belongs here: URLs, request shapes, this vendor's errors. Does not: parsing (see `trestle_records`),
retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    ProviderError,
    QuotaExceeded,
    RateLimited,
)
from bulk_lookup_dagster.engine.provider import Answer, Exchange, OutcomeKind, Question
from resources.http import Reply
from resources.key_client import KeyClient
from resources.trestle_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    parse_phone_intel,
    parse_reverse_phone,
)
from resources.vendor import Vendor
from resources.vendor_client import json_body
from resources.wire_errors import retry_after, status_error

DEFAULT_BASE_URL = "https://api.trestleiq.com"
UNBILLED_STATUSES = frozenset({400, 401, 403, 404, 429})
_PATHS = {"reverse_phone": "/3.2/phone", "phone_intel": "/3.0/phone_intel"}
_REFUSALS: Mapping[str, tuple[type[ProviderError], str]] = {
    "INVALID_API_KEY": (AuthFailed, "refused the key"),
    "FORBIDDEN": (AuthFailed, "does not allow this account the product"),
    "MISSING_API_KEY": (AuthFailed, "knows no such path; is the base URL right?"),
    "QUOTA_EXCEEDED": (QuotaExceeded, "says that the account's allowance is used up"),
    "RATE_LIMIT_EXCEEDED": (RateLimited, "asked for fewer requests"),
}


class TrestleClient(KeyClient):
    """One number and one operation per request."""

    name = PROVIDER
    operations = OPERATIONS
    default_base_url = DEFAULT_BASE_URL
    key_header = "x-api-key"
    parsers = {  # noqa: RUF012 - declared a ClassVar by the base
        "reverse_phone": parse_reverse_phone,
        "phone_intel": parse_phone_intel,
    }

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Ask one operation about one number."""
        (question,) = questions
        target = f"{_PATHS[question.operation]}?phone={quote(question.subject, safe='')}"
        reply = await self._transport.get(target, request_id)
        document = _document(reply, self._transport.host)
        answer = _answer(question, document)
        return Exchange(reply.status, len(reply.body), [answer])


def _answer(question: Question, document: Mapping[str, Any]) -> Answer:
    invalid = document.get("is_valid") is False
    part = "owners" if question.operation == "reverse_phone" else "is_valid"
    if not invalid and not document.get(part) and document.get("error"):
        # A part they could not fetch is not "nothing known".
        missing = BadResponse("Trestle answered without the part that was asked.", status=200)
        return Answer(question.claim_id, None, question.max_micros, b"", missing)
    outcome: OutcomeKind = "data" if document.get(part) else "no_data"
    return Answer(
        question.claim_id,
        "invalid_subject" if invalid else outcome,
        question.max_micros,
        orjson.dumps(document),
    )


def _document(reply: Reply, host: str) -> dict[str, Any]:
    """The answer of a 200, or the error that any other reply stands for."""
    document = json_body(reply)
    if reply.status != 200:
        raise _error(reply, document, host)
    if not isinstance(document, dict) or "is_valid" not in document:
        raise BadResponse(f"{host} answered without a phone.", status=reply.status)
    return document


def _error(reply: Reply, document: Any, host: str) -> ProviderError:
    named = document if isinstance(document, dict) else {}
    code = str(named.get("errorCode") or named.get("error") or "")[:20]
    wait = reply.headers.get("Retry-After")
    if code in _REFUSALS and reply.status in UNBILLED_STATUSES:
        kind, what = _REFUSALS[code]
        return kind(
            f"{host} {what}.",
            status=reply.status,
            vendor_code=code,
            retry_after=retry_after(wait),
            unbilled=True,
        )
    return status_error(
        host, reply.status, vendor_code=code or None, wait=wait, unbilled=UNBILLED_STATUSES
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="Trestle",
    version="3.2 (phone), 3.0 (phone_intel)",
    variables={"api_key": "TRESTLE_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="TRESTLE_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=TrestleClient.built,
    sign_up="Self-serve: sign up, add a card, copy the key. Marketing needs an order for it.",
    docs="https://docs.trestleiq.com",
)
