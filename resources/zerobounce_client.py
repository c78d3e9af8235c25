"""ZeroBounce over HTTP: one client, no Dagster.

`POST /validatebatch` with up to 100 addresses, always, so that neither key nor address stands in a
URL; the key is a field of the body. Failures come as HTTP 200 with `{"error": …}`, or as an entry
of `errors` for the address `all`. A bad key and an empty account share one message, and the vendor
bans who repeats a bad key: both stop the provider at once, `check` tells them apart.

Billing: an address whose status is `unknown` is not charged, a refused request is not either.

Belongs here: URLs, request shapes, this vendor's errors. Does not: parsing (see
`zerobounce_records`), retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import orjson

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    PermanentFailure,
    ProviderError,
    TransientFailure,
)
from bulk_lookup_dagster.core.vendor_settings import ZerobounceSettings
from bulk_lookup_dagster.engine.provider import Answer, Exchange, Question
from resources.http import Reply, Timeouts
from resources.vendor import Health, Quota, Vendor
from resources.vendor_client import VendorClient, json_body, timeouts_of
from resources.wire_errors import status_error
from resources.zerobounce_records import KEPT, OPERATIONS, PRICES, PROVIDER, parse_validate

DEFAULT_BASE_URL = "https://api.zerobounce.net/v2"
MAX_BATCH = 100
UNBILLED_STATUSES = frozenset({400, 401, 403, 404, 429})
_ASK_AGAIN_LATER = timedelta(minutes=20)
_LATER = frozenset({"greylisted"})


class ZerobounceClient(VendorClient):
    """Up to 100 addresses per request; `patience_s` is how long the vendor may take over them."""

    name = PROVIDER
    operations = OPERATIONS
    parsers = {"validate": parse_validate}  # noqa: RUF012 - declared a ClassVar by the base

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        batch_size: int = MAX_BATCH,
        patience_s: int = 120,
        concurrency: int = 20,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(base_url, {}, concurrency=concurrency, timeouts=timeouts or Timeouts())
        self._api_key = api_key
        self._batch_size = batch_size
        self._patience_s = patience_s

    @property
    def subjects_per_request(self) -> int:
        """Up to 100."""
        return self._batch_size

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Verify up to 100 addresses."""
        body = orjson.dumps(
            {
                "api_key": self._api_key,
                "email_batch": [{"email_address": one.subject} for one in questions],
                # As a number it would be answered as if the key were wrong.
                "timeout": str(self._patience_s),
            }
        )
        reply = await self._transport.post_json("/validatebatch", body, request_id)
        document = _document(reply, self._transport.host)
        verdicts = _by_address(document, "email_batch", "address")
        refusals = _by_address(document, "errors", "email_address")
        if "all" in refusals:
            raise _refusal(refusals["all"].get("error"), reply.status, self._transport.host)
        answers = [_answer(one, verdicts, refusals) for one in questions]
        return Exchange(reply.status, len(reply.body), answers)

    async def check(self) -> Health:
        """Credits left; -1 stands for a key the vendor does not know."""
        target = f"/getcredits?api_key={quote(self._api_key, safe='')}"
        reply = await self._transport.get(target, uuid4())
        told = str(_document(reply, self._transport.host).get("Credits"))
        if told == "-1":
            raise AuthFailed(f"{self._transport.host} refused the key.", status=reply.status)
        if not told.isdigit():
            raise BadResponse(f"{self._transport.host} told no credits.", status=reply.status)
        return Health("the key is accepted", Quota(int(told)))


def _by_address(document: Mapping[str, Any], part: str, name: str) -> dict[str, Mapping[str, Any]]:
    found = document.get(part) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadResponse(f"ZeroBounce: {part} is not a list of objects.", status=200)
    return {str(one.get(name)).casefold(): one for one in found}


def _answer(
    question: Question,
    verdicts: Mapping[str, Mapping[str, Any]],
    refusals: Mapping[str, Mapping[str, Any]],
) -> Answer:
    told = verdicts.get(question.subject.casefold())
    if told is None or not isinstance(told.get("status"), str):
        return Answer(question.claim_id, None, 0, b"", _missing(question, refusals))
    kept = orjson.dumps({name: told.get(name) for name in KEPT})
    if told["status"] != "unknown":
        return Answer(question.claim_id, "data", question.max_micros, kept)
    if told.get("sub_status") in _LATER:
        later = TransientFailure(
            "The mailbox's server asks to come back later.",
            status=200,
            vendor_code=str(told["sub_status"]),
            retry_after=_ASK_AGAIN_LATER,
            unbilled=True,
        )
        return Answer(question.claim_id, None, 0, b"", later)
    return Answer(question.claim_id, "no_data", 0, kept)


def _missing(question: Question, refusals: Mapping[str, Mapping[str, Any]]) -> ProviderError:
    if question.subject.casefold() in refusals:
        return PermanentFailure("ZeroBounce refused an address.", status=200, unbilled=True)
    return BadResponse("ZeroBounce left an address of the batch out.", status=200)


def _document(reply: Reply, host: str) -> dict[str, Any]:
    """The answer of a 200, or the error that it or any other reply stands for."""
    document = json_body(reply)
    named = document if isinstance(document, dict) else {}
    if reply.status == 200 and named.get("error"):
        raise _refusal(named["error"], reply.status, host)
    if reply.status != 200:
        raise status_error(
            host, reply.status, wait=reply.headers.get("Retry-After"), unbilled=UNBILLED_STATUSES
        )
    if not named:
        raise BadResponse(f"{host} answered without a JSON object.", status=reply.status)
    return named


def _refusal(text: object, status: int, host: str) -> ProviderError:
    """What an error text means; it is never repeated, it may hold an address."""
    lowered = str(text).casefold()
    if "api key" in lowered or "api_key" in lowered or "credits" in lowered:
        return AuthFailed(
            f"{host} refused the key, or the account ran out of credits.",
            status=status,
            vendor_code="key_or_credits",
            fix="bulk-lookup doctor --providers tells which of the two it is.",
        )
    return PermanentFailure(f"{host} refused the request.", status=status, unbilled=True)


def build(
    credentials: Mapping[str, str], base_url: str, settings: ZerobounceSettings
) -> ZerobounceClient:
    """The client as the settings and the key make it."""
    return ZerobounceClient(
        base_url or DEFAULT_BASE_URL,
        credentials["api_key"],
        batch_size=settings.batch_size,
        patience_s=settings.patience_s,
        concurrency=settings.concurrency,
        timeouts=timeouts_of(settings),
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="ZeroBounce",
    version="v2",
    variables={"api_key": "ZEROBOUNCE_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="ZEROBOUNCE_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Sign up, buy credits, copy the key under API; the monthly free credits work too.",
    docs="https://www.zerobounce.net/docs/email-validation-api-quickstart",
    free_check="the number of credits left",
)
