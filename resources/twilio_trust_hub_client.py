"""Reading Twilio Trust Hub over HTTP, and what it posts to us: one client, no Dagster.

One GET per question; lists come in pages of at most 1,000. A profile that is gone (404) has no
data. A profile in review is accepted: its verdict is posted by Twilio, and polled for until then.

Twilio publishes no contract of that call-back. It is signed like all its webhooks, so a final
status in it is believed; any other says nothing yet.

Belongs here: URLs, request shapes, call-backs, this vendor's errors. Does not: parsing (see
`twilio_trust_hub_records`), writes (`twilio_trust_hub_writes`), limits and retries (the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson

from bulk_lookup_dagster.core.trust_hub import APPROVED, IN_REVIEW, REJECTED
from bulk_lookup_dagster.core.vendor_settings import TwilioTrustHubSettings
from bulk_lookup_dagster.engine.provider import Accepted, Answer, Callback, Exchange, Question
from resources import twilio_trust_hub_records as records
from resources.http import Timeouts
from resources.twilio_account import (
    ACCOUNT,
    CREDENTIAL_SETS,
    VARIABLES,
    client_of,
)
from resources.twilio_signature import check_signature
from resources.twilio_trust_hub_callbacks import read_status
from resources.twilio_trust_hub_pages import document_of, next_page, rows_of
from resources.twilio_trust_hub_records import OPERATIONS, PRICES, PROVIDER
from resources.twilio_trust_hub_writes import TrustHubWrites
from resources.vendor import Health, Vendor

DEFAULT_BASE_URL = "https://trusthub.twilio.com"
_PAGE = 1000
_EVALUATIONS = 50


class TwilioTrustHubClient(TrustHubWrites):
    """Profiles and trust products of one account.

    `auth_token` checks who calls back; `callback_url` is the address Twilio was given, where it is
    not the one the request arrives under.
    """

    name = PROVIDER
    operations = OPERATIONS
    parsers = {  # noqa: RUF012 - declared a ClassVar by the base
        "listing": records.parse_listing,
        "profile": records.parse_profile,
        "evaluation": records.parse_evaluation,
        "assignments": records.parse_assignments,
        "business": records.parse_business,
        "review": records.parse_profile,
    }

    def __init__(
        self,
        base_url: str,
        auth: tuple[str, str],
        *,
        auth_token: str = "",
        callback_url: str = "",
        reverify_after: timedelta = timedelta(days=90),
        poll_in: timedelta = timedelta(hours=1),
        concurrency: int = 5,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(base_url, auth, concurrency=concurrency, timeouts=timeouts)
        self._token = auth_token
        self._callback_url = callback_url
        self._reverify_after = reverify_after
        self._poll_in = poll_in

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Read one resource."""
        (question,) = questions
        reply = await self._transport.get(target_of(question), request_id)
        if reply.status == 404 and question.operation != "listing":
            answer = Answer(question.claim_id, "no_data", 0, b"{}")
        else:
            answer = self._answer(question, document_of(reply, self._transport.host))
        return Exchange(reply.status, len(reply.body), [answer])

    async def poll(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Look whether a review is over."""
        return await self.ask(questions, request_id)

    def parse(self, operation: str, body: bytes) -> Mapping[str, Any]:
        """Columns of the row; `reverify_at` follows from the settings in force when it is read."""
        columns = super().parse(operation, body)
        if operation not in ("profile", "review"):
            return columns
        return {**columns, "reverify_at": records.reverify_at(columns, self._reverify_after)}

    def read_callback(self, headers: Mapping[str, str], body: bytes, url: str) -> Callback:
        """Whose status changed, once the signature is Twilio's."""
        check_signature(self._token, headers, body, self._public(url))
        return read_status(headers, body)

    def callback_answer(self, question: Question, event: str, body: bytes) -> Answer | None:
        """The verdict; None for a step on the way, and for questions that are no review."""
        status = event.partition(":")[0]
        if question.operation != "review" or status not in (APPROVED, REJECTED):
            return None
        kind = records.kind_of(question.subject)
        part = {"kind": kind, "sid": question.external_id, "status": status}
        return Answer(question.claim_id, "data", 0, orjson.dumps(part))

    async def check(self) -> Health:
        """The list of customer profiles, one of them."""
        reply = await self._transport.get("/v1/CustomerProfiles?PageSize=1", uuid4())
        document_of(reply, self._transport.host)
        return Health("the credentials are accepted (customer profiles)")

    def _answer(self, question: Question, document: Mapping[str, Any]) -> Answer:
        part: Mapping[str, Any] | None
        match question.operation:
            case "listing":
                part = _page(document, question.subject)
            case "evaluation":
                part = _newest(rows_of(document, "results"))
            case "assignments":
                rows = rows_of(document, "results")
                part = {"assigned": [records.sid_of(one, "object_sid") for one in rows]}
            case "business":
                part = records.kept_business(document)
            case _:
                part = records.kept_profile(document, question.subject)
                if question.operation == "review" and part["status"] in IN_REVIEW:
                    waiting = Accepted(part["sid"], self._poll_in)
                    return Answer(question.claim_id, None, 0, b"", accepted=waiting)
        outcome = part is None or part.get("sids") == []
        body = orjson.dumps(part or {})
        return Answer(question.claim_id, "no_data" if outcome else "data", 0, body)

    def _public(self, url: str) -> str:
        """The address Twilio signed: what stands behind a proxy is asked under another one."""
        query = urlsplit(url).query
        if not self._callback_url:
            return url
        return f"{self._callback_url}?{query}" if query else self._callback_url


def target_of(question: Question) -> str:
    """Path and query of a question."""
    path, _, query = question.subject.partition("?")
    match question.operation:
        case "listing":
            return f"/v1/{path}?PageSize={_PAGE}" + (f"&{query}" if query else "")
        case "evaluation":
            return f"/v1/{path}/Evaluations?PageSize={_EVALUATIONS}"
        case "assignments":
            return f"/v1/{path}/EntityAssignments?PageSize={_PAGE}"
    return f"/v1/{path}"


def _page(document: Mapping[str, Any], subject: str) -> dict[str, Any]:
    path = subject.partition("?")[0]
    sids = [records.sid_of(one) for one in rows_of(document, "results")]
    following = next_page(document)
    return {"sids": sids, "next": f"{path}?{following}" if following else None}


def _newest(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The latest evaluation: Twilio does not say in which order they come."""
    if not rows:
        return None
    dated = [(str(one.get("date_created") or ""), number) for number, one in enumerate(rows)]
    return records.kept_evaluation(rows[max(dated, key=lambda one: (one[0], -one[1]))[1]])


def build(
    credentials: Mapping[str, str], base_url: str, settings: TwilioTrustHubSettings
) -> TwilioTrustHubClient:
    """The client as the settings and the credentials make it."""
    return client_of(
        TwilioTrustHubClient,
        credentials,
        base_url or DEFAULT_BASE_URL,
        settings,
        auth_token=credentials.get("auth_token", ""),
        callback_url=settings.callback_url,
        reverify_after=timedelta(days=settings.reverify_days),
        poll_in=timedelta(seconds=settings.poll_s),
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="Twilio Trust Hub",
    version="v1",
    variables=VARIABLES,
    credential_sets=CREDENTIAL_SETS,
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="TWILIO_TRUST_HUB_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Your Twilio key; call-backs need the account's auth token beside it.",
    docs="https://www.twilio.com/docs/trust-hub",
    free_check="one customer profile",
    account=ACCOUNT,
    extras=("auth_token",),
)
