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
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import orjson

from bulk_lookup_dagster.core.errors import (
    BadResponse,
    ConfigError,
    PermanentFailure,
    ProviderUnavailable,
)
from bulk_lookup_dagster.core.vendor_settings import TwilioLookupSettings
from bulk_lookup_dagster.engine.provider import (
    Answer,
    Exchange,
    OutcomeKind,
    Question,
)
from resources.http import Reply, Timeouts
from resources.twilio_account import (
    ACCOUNT,
    CREDENTIAL_SETS,
    VARIABLES,
    TwilioClient,
    client_of,
)
from resources.twilio_errors import twilio_error
from resources.twilio_lookup_records import (
    BATCH_OPERATIONS,
    IDENTITY_INPUTS,
    OPERATIONS,
    PRICES,
    PROVIDER,
    parse_part,
)
from resources.vendor import Health, Vendor
from resources.vendor_client import json_body

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


class TwilioLookupClient(TwilioClient):
    """`auth` is (API key SID, secret), or (account SID, auth token). `batch_size` 0 keeps the batch
    endpoint off; Twilio publishes neither its maximum nor who may use it.
    """

    name = PROVIDER
    operations = OPERATIONS

    def __init__(
        self,
        base_url: str,
        auth: tuple[str, str],
        *,
        concurrency: int = 100,
        timeouts: Timeouts | None = None,
        batch_size: int = 0,
    ) -> None:
        super().__init__(base_url, auth, concurrency=concurrency, timeouts=timeouts)
        self._batch_size = batch_size

    @property
    def subjects_per_request(self) -> int:
        """The batch size, until the account turns out not to be offered the batch endpoint."""
        return max(1, self._batch_size)

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

    async def account_rate(self, operations: Collection[str]) -> float | None:
        """Requests a second this account allows for packages together; None: it sets no limit.

        A request counts once for each of its numbers in the bucket of each of its packages.
        """
        rates = [
            bucket.per_second
            for bucket in await self.rate_limits()
            if bucket.field is None or bucket.field in operations
        ]
        return min(rates) / self.subjects_per_request if rates else None

    async def check(self) -> Health:
        """A free look-up, of no package."""
        reply = await self._transport.get(f"/v2/PhoneNumbers/{quote(_TEST_NUMBER)}", uuid4())
        _document(reply, self._transport.host)
        return Health("the credentials are accepted (free look-up)")

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


def build(
    credentials: Mapping[str, str], base_url: str, settings: TwilioLookupSettings
) -> TwilioLookupClient:
    """The client as the settings and the credentials make it."""
    return client_of(
        TwilioLookupClient,
        credentials,
        base_url or DEFAULT_BASE_URL,
        settings,
        batch_size=settings.batch_size,
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="Twilio Lookup",
    version="v2",
    variables=VARIABLES,
    credential_sets=CREDENTIAL_SETS,
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="TWILIO_LOOKUP_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Create an account, then an API key in its console; some packages need approval.",
    docs="https://www.twilio.com/docs/lookup/v2-api",
    free_check="a look-up without packages",
    account=ACCOUNT,
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
    document = json_body(reply)
    if reply.status == 200:
        if isinstance(document, dict):
            return document
        raise BadResponse(f"{host} answered without a JSON object.", status=reply.status)
    raise twilio_error(reply, document, host, unbilled=UNBILLED_STATUSES)


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
