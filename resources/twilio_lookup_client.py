"""Twilio Lookup v2 over HTTP: one client, no Dagster.

`GET /v2/PhoneNumbers/{number}?Fields=…` answers several packages at once; `POST /v2/batch/query`
several numbers, where the account is offered it. Errors come as `{code, message}` or in RFC 9457's
form. An invalid number is an answer, not an error. A package with an `error_code` fails alone; as
Twilio publishes no rule on billing it, it counts at its list price.

Billing: 400, 401, 403, 404, 429 and 503 are refusals without a look-up. Any other 5xx may have
been processed, so its outcome is unknown.

Belongs here: URLs, request shapes, this vendor's errors. Does not: parsing of parts (see
`twilio_lookup_records`), retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self
from urllib.parse import quote
from uuid import UUID, uuid4

import orjson

from bulk_lookup_dagster.core.errors import (
    BadResponse,
    ConfigError,
    PermanentFailure,
    ProviderError,
    ProviderUnavailable,
)
from bulk_lookup_dagster.core.settings import TwilioLookupSettings
from bulk_lookup_dagster.engine.provider import (
    Answer,
    Disabled,
    Exchange,
    Operation,
    OutcomeKind,
    Question,
)
from resources.http import Reply, Timeouts, Transport, basic_auth
from resources.loopback import is_loopback
from resources.twilio_lookup_records import (
    BATCH_OPERATIONS,
    IDENTITY_INPUTS,
    OPERATIONS,
    PROVIDER,
    parse_part,
)
from resources.wire_errors import status_error

DEFAULT_BASE_URL = "https://lookups.twilio.com"
UNBILLED_STATUSES = frozenset({400, 401, 403, 404, 429, 503})
_TEST_NUMBER = "+15005550006"
_BASE = ("valid", "validation_errors", "country_code", "national_format", "calling_country_code")
_QUERY_NAMES = {
    **{name: "".join(word.title() for word in name.split("_")) for name in IDENTITY_INPUTS},
    "last_verified_date": "LastVerifiedDate",
    "partner_sub_id": "PartnerSubId",
    "verification_sid": "VerificationSid",
}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One bucket of this account: `limit` look-ups of a package per `ttl` seconds (none: 1).

    `field` None stands for every package.
    """

    field: str | None
    limit: int
    bucket: str | None
    owner: str | None
    ttl: int | None

    @property
    def per_second(self) -> float:
        """Look-ups a second, on average."""
        return self.limit / max(1, self.ttl or 1)


class TwilioLookupClient:
    """Implements `engine.provider.Provider`; use with `async with`, one per event loop.

    `auth` is (API key SID, secret), or (account SID, auth token). `batch_size` 0 keeps the batch
    endpoint off; Twilio publishes neither its maximum nor who may use it.
    """

    name = PROVIDER
    operations: Mapping[str, Operation] = OPERATIONS

    def __init__(
        self,
        base_url: str,
        auth: tuple[str, str],
        *,
        concurrency: int = 100,
        timeouts: Timeouts | None = None,
        batch_size: int = 0,
    ) -> None:
        if not all(auth):
            raise ConfigError(
                "Twilio credentials are incomplete.",
                fix="Set TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and "
                "TWILIO_AUTH_TOKEN; both of a pair, or neither.",
            )
        self._timeouts = timeouts or Timeouts()
        self._transport = Transport(
            base_url,
            headers={"Authorization": basic_auth(*auth)},
            timeouts=self._timeouts,
            limit=concurrency,
        )
        self._batch_size = batch_size

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    @property
    def subjects_per_request(self) -> int:
        """The batch size, until the account turns out not to be offered the batch endpoint."""
        return max(1, self._batch_size)

    @property
    def deadline(self) -> timedelta:
        """The longest a call may take, connect to last byte."""
        return timedelta(seconds=self._timeouts.longest)

    def endpoint(self, questions: Sequence[Question]) -> str:
        """`batch` or `lookup`: they fail apart."""
        return "batch" if self._batch_size and _several_subjects(questions) else "lookup"

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Look one number up, or several through the batch endpoint."""
        if _several_subjects(questions):
            return await self._ask_batch(questions, request_id)
        reply = await self._transport.get(self._target(questions), request_id)
        document = _document(reply, self._transport.host)
        answers = [_answer(question, document) for question in questions]
        return Exchange(
            reply.status, len(reply.body), answers, reply.headers.get("Twilio-Request-Id")
        )

    def parse(self, operation: str, body: bytes) -> Mapping[str, Any]:
        """Columns of `enrichment.phone_lookups` from a stored part."""
        return parse_part(operation, orjson.loads(body))

    async def rate_limits(self) -> list[RateLimit]:
        """This account's buckets, where the account may read them."""
        reply = await self._transport.get("/v2/RateLimits", uuid4())
        document = _document(reply, self._transport.host)
        return [
            RateLimit(
                one.get("field"), one["limit"], one.get("bucket"), one.get("owner"), one.get("ttl")
            )
            for one in document.get("rate_limits") or []
            if isinstance(one, dict) and isinstance(one.get("limit"), int) and one["limit"] > 0
        ]

    async def account_rate(self, packages: Collection[str]) -> float | None:
        """Requests a second this account allows for `packages` together; None: it sets no limit.

        A request counts once for each of its numbers in the bucket of each of its packages.
        """
        rates = [
            bucket.per_second
            for bucket in await self.rate_limits()
            if bucket.field is None or bucket.field in packages
        ]
        return min(rates) / self.subjects_per_request if rates else None

    async def check_credentials(self) -> None:
        """Raise `AuthFailed` where the credentials are refused; a free look-up, no package."""
        reply = await self._transport.get(f"/v2/PhoneNumbers/{quote(_TEST_NUMBER)}", uuid4())
        _document(reply, self._transport.host)

    def _target(self, questions: Sequence[Question]) -> str:
        subject = questions[0].subject
        fields = ",".join([question.operation for question in questions])
        target = f"/v2/PhoneNumbers/{quote(subject, safe='')}?Fields={fields}"
        for question in questions:
            for name, value in question.params.items():
                target += f"&{_query_name(name)}={quote(value, safe='')}"
        return target

    async def _ask_batch(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        items: dict[int, dict[str, Any]] = {}
        for question in questions:
            _add_to_batch(items.setdefault(question.subject_id, {}), question)
        body = orjson.dumps({"phone_numbers": list(items.values())})
        reply = await self._transport.post_json("/v2/batch/query", body, request_id)
        if reply.status in (403, 404):
            self._batch_size = 0
            raise ProviderUnavailable(
                f"{self._transport.host} does not offer this account the batch endpoint;"
                " numbers are asked one by one.",
                status=reply.status,
            )
        document = _document(reply, self._transport.host)
        found = document.get("phone_numbers")
        if not isinstance(found, list):
            raise BadResponse("Twilio Lookup: phone_numbers is not a list.", status=reply.status)
        by_id = {one.get("correlation_id"): one for one in found if isinstance(one, dict)}
        answers = [
            _batch_answer(question, by_id.get(str(question.subject_id))) for question in questions
        ]
        return Exchange(
            reply.status, len(reply.body), answers, reply.headers.get("Twilio-Request-Id")
        )


@dataclass(frozen=True, slots=True)
class TwilioCredentials:
    """What is set of the two pairs; a pair is complete or absent, never mixed (F28)."""

    api_key: str = ""
    api_secret: str = ""
    account_sid: str = ""
    auth_token: str = ""

    def pair(self) -> tuple[str, str] | None:
        """API key and secret, else account SID and token; None where neither is set."""
        if bool(self.api_key) != bool(self.api_secret):
            raise ConfigError(
                "Only one of TWILIO_API_KEY and TWILIO_API_SECRET is set.",
                fix="Set both, or neither.",
            )
        if self.api_key:
            return self.api_key, self.api_secret
        if bool(self.account_sid) != bool(self.auth_token):
            raise ConfigError(
                "Only one of TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN is set.",
                fix="Set both, or neither.",
            )
        return (self.account_sid, self.auth_token) if self.account_sid else None


def make_client(
    credentials: TwilioCredentials,
    base_url: str,
    settings: TwilioLookupSettings,
    *,
    simulated: bool = False,
) -> TwilioLookupClient | Disabled:
    """The client, not yet open, or why there is none; `simulated` admits loopback only."""
    if not settings.enabled:
        return Disabled(PROVIDER, "switched off in the settings")
    if simulated and not base_url:
        return Disabled(
            PROVIDER, "the sandbox does not run; `bulk-lookup up`, `run` and `demo` start it"
        )
    if simulated and not is_loopback(base_url):
        raise ConfigError(
            "The demo asks nobody but its sandbox.",
            fix="Unset TWILIO_LOOKUP_BASE_URL, or choose another BULK_LOOKUP_ENV.",
        )
    pair = credentials.pair()
    if pair is None:
        return Disabled(PROVIDER, "no credentials: set TWILIO_API_KEY and TWILIO_API_SECRET")
    return TwilioLookupClient(
        base_url or DEFAULT_BASE_URL,
        pair,
        concurrency=settings.concurrency,
        timeouts=Timeouts(
            settings.connect_timeout_s, settings.read_timeout_s, settings.total_timeout_s
        ),
        batch_size=settings.batch_size,
    )


def _several_subjects(questions: Sequence[Question]) -> bool:
    return len(questions) > 1 and questions[0].subject_id != questions[-1].subject_id


def _query_name(name: str) -> str:
    try:
        return _QUERY_NAMES[name]
    except KeyError:
        raise ConfigError(
            f"Twilio Lookup takes no parameter {name!r}.",
            fix=f"Use one of {', '.join(sorted(_QUERY_NAMES))}.",
        ) from None


def _add_to_batch(item: dict[str, Any], question: Question) -> None:
    if question.operation not in BATCH_OPERATIONS:
        raise ConfigError(
            f"Twilio's batch endpoint does not take the package {question.operation}.",
            fix="Set providers.twilio_lookup.batch_size to 0, or leave the package out.",
        )
    item.setdefault("correlation_id", str(question.subject_id))
    item.setdefault("phone_number", question.subject)
    item.setdefault("fields", []).append(question.operation)
    if question.params:
        item[question.operation] = dict(question.params)


def _document(reply: Reply, host: str) -> dict[str, Any]:
    """The JSON object of a 200, or the error that any other reply stands for."""
    try:
        document = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        document = None
    if reply.status == 200:
        if isinstance(document, dict):
            return document
        raise BadResponse(f"{host} answered without a JSON object.", status=reply.status)
    raise _error(reply, document, host)


def _error(reply: Reply, document: Any, host: str) -> ProviderError:
    code = document.get("code") if isinstance(document, dict) else None
    return status_error(
        host,
        reply.status,
        vendor_code=None if code is None else str(code)[:20],
        wait=reply.headers.get("Retry-After"),
        unbilled=UNBILLED_STATUSES,
    )


def _answer(question: Question, document: Mapping[str, Any]) -> Answer:
    operation = question.operation
    part = document.get(operation)
    outcome: OutcomeKind = "data"
    cost = question.max_micros
    if document.get("valid") is False:
        outcome, cost = "invalid_subject", 0
    elif operation == "validation":
        part = None
    elif not part:
        outcome = "no_data"
    elif isinstance(part, dict):
        if part.get("error_code") is not None:
            return Answer(question.claim_id, None, 0, b"", _package_error(operation, part))
        if part.get("is_number_reassigned") == "no_data_available":
            outcome = "no_data"
    kept = {name: document.get(name) for name in _BASE}
    kept[operation] = part
    return Answer(question.claim_id, outcome, cost, orjson.dumps(kept))


def _package_error(operation: str, part: Mapping[str, Any]) -> PermanentFailure:
    return PermanentFailure(
        f"Twilio Lookup could not answer {operation}.",
        status=200,
        vendor_code=str(part["error_code"])[:20],
    )


def _batch_answer(question: Question, document: Mapping[str, Any] | None) -> Answer:
    if document is None:
        missing = BadResponse("Twilio Lookup left a number of the batch out.", status=200)
        return Answer(question.claim_id, None, 0, b"", missing)
    if document.get("twilio_error_code") is not None:
        code = str(document["twilio_error_code"])[:20]
        failure = PermanentFailure("Twilio Lookup refused a number.", status=200, vendor_code=code)
        return Answer(question.claim_id, None, 0, b"", failure)
    return _answer(question, document)
