"""Hunter over HTTP: one client, no Dagster.

`GET /email-finder` and `/email-verifier` may answer 202: still running, ask the same again. 222 is
a remote mail server that misbehaved: later. Errors are `{errors: [{id, code, details}]}`; documents
and the vendor's own programs disagree about 403 and 429, so the error's id comes before the status:
429 is the allowance where the id speaks of usage or credits, else "slower"; 403 is "slower" until
it has gone on for minutes, then refused credentials. 451 is a person who objected to being told
of: an answer, on a verification the verdict "do not mail", elsewhere the outcome `objected`. What
was told of them before is withdrawn by `services.objections`.

Billing: what is not found is free, and so are refusals.

Belongs here: URLs, request shapes, this vendor's errors. Does not: parsing (see `hunter_records`),
retries and limits (see the engine).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID, uuid4

import orjson

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    PermanentFailure,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    TransientFailure,
)
from bulk_lookup_dagster.core.subjects import CompanyKey, PersonKey
from bulk_lookup_dagster.core.vendor_settings import HunterSettings
from bulk_lookup_dagster.engine.provider import Accepted, Answer, Exchange, OutcomeKind, Question
from resources.http import Reply, Timeouts
from resources.hunter_records import (
    CLAIMED,
    OPERATIONS,
    PRICES,
    PROVIDER,
    parse_companies,
    parse_email_finder,
    parse_email_verifier,
    parse_people,
    verdict,
)
from resources.key_client import KeyClient
from resources.vendor import Health, Quota, Vendor
from resources.vendor_client import json_body, timeouts_of
from resources.wire_errors import retry_after, status_error

DEFAULT_BASE_URL = "https://api.hunter.io/v2"
UNBILLED_STATUSES = frozenset({400, 401, 402, 403, 404, 422, 429, 451})
POLL_IN = timedelta(seconds=5)
PATIENCE_WITH_403_S = 180.0
_PATHS = {
    "email_finder": "/email-finder",
    "email_verifier": "/email-verifier",
    "people": "/people/find",
    "companies": "/companies/find",
}
_LONGEST_SEARCH_S = "20"
_ALLOWANCE = ("usage", "credit", "quota", "plan")


class HunterClient(KeyClient):
    """One question per request; what is still running is polled by asking the same again."""

    name = PROVIDER
    operations = OPERATIONS
    default_base_url = DEFAULT_BASE_URL
    key_header = "X-API-KEY"
    parsers = {  # noqa: RUF012 - declared a ClassVar by the base
        "email_finder": parse_email_finder,
        "email_verifier": parse_email_verifier,
        "people": parse_people,
        "companies": parse_companies,
    }

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        concurrency: int = 20,
        timeouts: Timeouts | None = None,
        poll_in: timedelta = POLL_IN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(base_url, api_key, concurrency=concurrency, timeouts=timeouts)
        self._poll_in = poll_in
        self._clock = clock
        self._refused_since: float | None = None

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Ask one question."""
        (question,) = questions
        reply = await self._transport.get(_target(question), request_id)
        if reply.status != 403:
            self._refused_since = None
        answer = self._answer(question, reply, request_id)
        return Exchange(reply.status, len(reply.body), [answer])

    async def poll(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """The same request again."""
        return await self.ask(questions, request_id)

    async def check(self) -> Health:
        """The account: free, and it tells the month's allowance."""
        reply = await self._transport.get("/account", uuid4())
        if reply.status != 200:
            raise self._error(reply)
        return Health("the key is accepted", _quota(_data(reply, self._transport.host)))

    def _answer(self, question: Question, reply: Reply, request_id: UUID) -> Answer:
        match reply.status:
            case 200:
                return _found(question, _data(reply, self._transport.host))
            case 202 if question.operation in ("email_finder", "email_verifier"):
                name = question.external_id or request_id.hex
                taken = Accepted(name, self._poll_in)
                return Answer(question.claim_id, None, 0, b"", accepted=taken)
            case 222:
                later = TransientFailure(
                    "The mailbox's server misbehaved.", status=222, unbilled=True
                )
                return Answer(question.claim_id, None, 0, b"", later)
            case 404 if _error_id(reply) is not None:
                return Answer(question.claim_id, "no_data", 0, b"{}")
            case 451 if _error_id(reply) is not None:
                verdict_too = question.operation == "email_verifier"
                outcome: OutcomeKind = "data" if verdict_too else "objected"
                return Answer(question.claim_id, outcome, 0, orjson.dumps({"status": CLAIMED}))
        raise self._error(reply)

    def _error(self, reply: Reply) -> ProviderError:
        """What a reply that is no answer means: by the error's id first, then by its status."""
        host, status, code = self._transport.host, reply.status, _error_id(reply)
        kind, what = self._meaning(status, code or "")
        if kind is None:
            return status_error(
                host,
                status,
                vendor_code=code,
                wait=reply.headers.get("Retry-After"),
                unbilled=UNBILLED_STATUSES,
            )
        pause = retry_after(reply.headers.get("Retry-After"))
        return kind(
            f"{host} {what}.", status=status, vendor_code=code, retry_after=pause, unbilled=True
        )

    def _meaning(self, status: int, code: str) -> tuple[type[ProviderError] | None, str]:
        if status == 402 or (status == 429 and any(word in code for word in _ALLOWANCE)):
            return QuotaExceeded, "says that the account's credits are used up"
        if status == 403 and "restricted" in code:
            return AuthFailed, "has restricted the account"
        if status == 403:
            now = self._clock()
            if self._refused_since is None:
                self._refused_since = now
            if now - self._refused_since < PATIENCE_WITH_403_S:
                return RateLimited, "asked for fewer requests"
            return AuthFailed, "has refused every request for minutes"
        if status == 404:
            return AuthFailed, "knows no such path; is the base URL right?"
        if status == 451:
            return PermanentFailure, "or something before it may not answer for legal reasons"
        return None, ""


def _target(question: Question) -> str:
    match question.operation:
        case "email_finder":
            person = PersonKey.parse(question.subject)
            where = {"domain": person.domain} if person.domain else {"company": person.company}
            names = {"first_name": person.first, "last_name": person.last}
            query = {**where, **names, "max_duration": _LONGEST_SEARCH_S}
        case "companies":
            query = {"domain": CompanyKey.parse(question.subject).domain}
        case "people":
            query = {"email": question.params["email"]}
        case _:
            query = {"email": question.subject}
    return f"{_PATHS[question.operation]}?{urlencode(query, quote_via=quote, safe='')}"


def _data(reply: Reply, host: str) -> dict[str, Any]:
    document = json_body(reply)
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise BadResponse(f"{host} answered without data.", status=reply.status)
    return data


def _found(question: Question, data: Mapping[str, Any]) -> Answer:
    body, price = orjson.dumps(data), question.max_micros
    if question.operation == "email_finder" and not data.get("email"):
        return Answer(question.claim_id, "no_data", 0, body)
    if question.operation == "email_verifier":
        if not isinstance(data.get("status"), str):
            raise BadResponse("Hunter: a verification has no status.", status=200)
        known = verdict(data) != "unknown"
        return Answer(question.claim_id, "data" if known else "no_data", price, body)
    return Answer(question.claim_id, "data", price, body)


def _quota(account: Mapping[str, Any]) -> Quota | None:
    """The month's calls; None where the account tells none."""
    calls, reset = account.get("calls"), account.get("reset_date")
    figures = calls if isinstance(calls, dict) else {}
    used, available = figures.get("used"), figures.get("available")
    if not (isinstance(used, int) and isinstance(available, int)):
        return None
    try:
        resets_at = datetime.fromisoformat(str(reset)).replace(tzinfo=UTC)
    except ValueError:  # null, or no date
        resets_at = None
    return Quota(max(available - used, 0), available, resets_at, "calls")


def _error_id(reply: Reply) -> str | None:
    document = json_body(reply)
    errors = document.get("errors") if isinstance(document, dict) else None
    if not (isinstance(errors, list) and errors and isinstance(errors[0], dict)):
        return None
    return str(errors[0].get("id") or "")[:20]


def build(credentials: Mapping[str, str], base_url: str, settings: HunterSettings) -> HunterClient:
    """The client as the settings and the key make it."""
    return HunterClient(
        base_url or DEFAULT_BASE_URL,
        credentials["api_key"],
        concurrency=settings.concurrency,
        timeouts=timeouts_of(settings),
        poll_in=timedelta(seconds=settings.poll_s),
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="Hunter",
    version="v2",
    variables={"api_key": "HUNTER_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="HUNTER_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Sign up; the key stands under API. The free plan has a few credits a month.",
    docs="https://hunter.io/api-documentation/v2",
    free_check="the account's allowance",
)
