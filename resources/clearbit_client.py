"""Clearbit's legacy API over HTTP: one client, no Dagster.

Companies and people live on two hosts; another base URL stands for both. 202 is a search that was
queued: where the subject alone names it, it is accepted, then polled or called back; where the
question had an e-mail beside it, it stays due and is asked again. Call-backs carry
`X-Request-Signature: sha1=…`, an HMAC of the body with the key.

Billing: per match; a miss, a queued search and a refusal are free.

Belongs here: URLs, request shapes, this vendor's errors and call-backs. Does not: parsing (see
`clearbit_records`), retries and limits (see the engine).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Self
from urllib.parse import quote, urlencode
from uuid import UUID

import orjson

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    ProviderError,
    QuotaExceeded,
    TransientFailure,
)
from bulk_lookup_dagster.core.subjects import CompanyKey, PersonKey
from bulk_lookup_dagster.core.vendor_settings import ClearbitSettings
from bulk_lookup_dagster.engine.provider import Accepted, Answer, Callback, Exchange, Question
from resources.clearbit_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    parse_combined,
    parse_company,
    parse_person,
)
from resources.http import Reply, Timeouts, Transport
from resources.vendor import Vendor
from resources.vendor_client import VendorClient, json_body, timeouts_of
from resources.wire_errors import status_error

DEFAULT_BASE_URL = "https://person.clearbit.com/v2"
COMPANY_BASE_URL = "https://company.clearbit.com/v2"
UNBILLED_STATUSES = frozenset({400, 401, 402, 403, 404, 422, 429})
POLL_IN = timedelta(seconds=5)
_PATHS = {
    "company": "/companies/find",
    "person": "/people/find",
    "combined": "/combined/find",
}


class ClearbitClient(VendorClient):
    """One company or person per request; `webhook_url` '' leaves queued searches to polling."""

    name = PROVIDER
    operations = OPERATIONS
    parsers = {  # noqa: RUF012 - declared a ClassVar by the base
        "company": parse_company,
        "person": parse_person,
        "combined": parse_combined,
    }

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        company_base_url: str = "",
        webhook_url: str = "",
        concurrency: int = 20,
        timeouts: Timeouts | None = None,
        poll_in: timedelta = POLL_IN,
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"}
        limits = timeouts or Timeouts()
        super().__init__(base_url, headers, concurrency=concurrency, timeouts=limits)
        self._companies = Transport(
            company_base_url or base_url, headers=headers, timeouts=limits, limit=concurrency
        )
        self._key = api_key.encode()
        self._webhook_url = webhook_url
        self._poll_in = poll_in

    async def __aenter__(self) -> Self:
        await self._companies.__aenter__()
        return await super().__aenter__()

    async def __aexit__(self, *arguments: object) -> None:
        try:
            await self._companies.aclose()
        finally:
            await super().__aexit__(*arguments)

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Find one company or person."""
        (question,) = questions
        transport = self._companies if question.operation == "company" else self._transport
        name = question.external_id or request_id.hex
        reply = await transport.get(self._target(question, name), request_id)
        answer = _answer(question, reply, name, transport.host, self._poll_in)
        return Exchange(reply.status, len(reply.body), [answer])

    async def poll(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """The same request again."""
        return await self.ask(questions, request_id)

    def read_callback(self, headers: Mapping[str, str], body: bytes, url: str) -> Callback:
        """Check the signature, then read whose search it is and how it ended."""
        wanted = "sha1=" + hmac.new(self._key, body, "sha1").hexdigest()
        if not hmac.compare_digest(
            headers.get("x-request-signature", "").encode(), wanted.encode()
        ):
            raise AuthFailed("The signature of a call-back is not Clearbit's.")
        document = _object(body)
        name, status = document.get("id"), document.get("status")
        if not isinstance(name, str) or not isinstance(status, int):
            raise BadResponse("A call-back of Clearbit names no search.")
        return Callback(name, str(status))

    def callback_answer(self, question: Question, event: str, body: bytes) -> Answer | None:
        """A match or a miss; any other status says nothing yet."""
        if event == "404":
            return Answer(question.claim_id, "no_data", 0, b"{}")
        if event != "200":
            return None
        return _found(question, _object(body).get("body"))

    def _target(self, question: Question, name: str) -> str:
        if question.operation == "company":
            query = {"domain": CompanyKey.parse(question.subject).domain}
        else:
            given = question.params.get("email")
            query = {"email": given or PersonKey.parse(question.subject).email}
        if self._webhook_url and not question.params:
            query |= {"webhook_url": self._webhook_url, "webhook_id": name}
        return f"{_PATHS[question.operation]}?{urlencode(query, quote_via=quote, safe='')}"


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise BadResponse("A call-back of Clearbit is no JSON object.")
    return document


def _answer(question: Question, reply: Reply, name: str, host: str, poll_in: timedelta) -> Answer:
    document = json_body(reply)
    match reply.status:
        case 200:
            return _found(question, document)
        case 202 if question.params:
            queued = TransientFailure(
                f"{host} has queued the search.", status=202, retry_after=poll_in, unbilled=True
            )
            return Answer(question.claim_id, None, 0, b"", queued)
        case 202:
            return Answer(question.claim_id, None, 0, b"", accepted=Accepted(name, poll_in))
        case 404 if isinstance(document, dict) and "error" in document:
            return Answer(question.claim_id, "no_data", 0, b"{}")
    raise _error(reply, document, host)


def _found(question: Question, document: Any) -> Answer:
    """A match; a combined answer without either part is none."""
    if isinstance(document, dict) and question.operation == "combined":
        if {"person", "company"} <= document.keys():
            matched = document["person"] is not None or document["company"] is not None
            cost = question.max_micros if matched else 0
            body = orjson.dumps(document)
            return Answer(question.claim_id, "data" if matched else "no_data", cost, body)
    elif isinstance(document, dict) and "name" in document:
        return Answer(question.claim_id, "data", question.max_micros, orjson.dumps(document))
    raise BadResponse("Clearbit answered without what was asked.", status=200)


def _error(reply: Reply, document: Any, host: str) -> ProviderError:
    part = document.get("error") if isinstance(document, dict) else None
    kind = part.get("type") if isinstance(part, dict) else None
    code = str(kind)[:20] if kind else None
    if reply.status == 402:
        what = "says that the account's allowance is used up"
        return QuotaExceeded(f"{host} {what}.", status=402, vendor_code=code)
    if reply.status == 404:
        return AuthFailed(f"{host} knows no such path; is the base URL right?", status=404)
    wait = reply.headers.get("Retry-After")
    return status_error(host, reply.status, vendor_code=code, wait=wait, unbilled=UNBILLED_STATUSES)


def build(
    credentials: Mapping[str, str], base_url: str, settings: ClearbitSettings
) -> ClearbitClient:
    """The client as the settings and the key make it."""
    own = not base_url or base_url == DEFAULT_BASE_URL
    return ClearbitClient(
        DEFAULT_BASE_URL if own else base_url,
        credentials["api_key"],
        company_base_url=COMPANY_BASE_URL if own else "",
        webhook_url=settings.webhook_url,
        concurrency=settings.concurrency,
        timeouts=timeouts_of(settings),
        poll_in=timedelta(seconds=settings.poll_s),
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="Clearbit (legacy keys)",
    version="v2",
    variables={"api_key": "CLEARBIT_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="CLEARBIT_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Keys are not given out any more; those of accounts from before 2024 may still work.",
    docs="https://help.clearbit.com",
)
