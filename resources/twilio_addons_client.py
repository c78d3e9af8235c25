"""Twilio Lookup v1 with Marketplace add-ons over HTTP: one client, no Dagster.

`GET /v1/PhoneNumbers/{number}?AddOns=NAME&AddOns=…`: names are what the account's owner typed when
installing an add-on, so they are settings. The answer has a status of its own for all add-ons and
one for each: both are looked at. v2 has no add-ons.

Billing: per add-on that answered; a failed one is not billed, nor is a refusal.

Belongs here: URL, request shape, this vendor's errors. Does not: parsing (see
`twilio_addons_records`), retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson

from bulk_lookup_dagster.core.errors import BadResponse, ProviderUnavailable, TransientFailure
from bulk_lookup_dagster.core.vendor_settings import TwilioAddonsSettings
from bulk_lookup_dagster.engine.provider import Answer, Exchange, OutcomeKind, Question
from resources.http import Timeouts
from resources.twilio_account import (
    ACCOUNT,
    CREDENTIAL_SETS,
    VARIABLES,
    TwilioClient,
    client_of,
)
from resources.twilio_addons_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    parse_icehook_scout,
    parse_real_phone_validation,
)
from resources.twilio_errors import twilio_code, twilio_error
from resources.vendor import Vendor
from resources.vendor_client import json_body

DEFAULT_BASE_URL = "https://lookups.twilio.com"
UNBILLED_STATUSES = frozenset({400, 401, 403, 404, 429, 503})
_NO_SUCH_NUMBER = "20404"


class TwilioAddonsClient(TwilioClient):
    """`auth` is (API key SID, secret) or (account SID, token); `names` the add-ons' unique names
    in this account, by operation.
    """

    name = PROVIDER
    operations = OPERATIONS
    parsers = {  # noqa: RUF012 - declared a ClassVar by the base
        "real_phone_validation": parse_real_phone_validation,
        "icehook_scout": parse_icehook_scout,
    }

    def __init__(
        self,
        base_url: str,
        auth: tuple[str, str],
        names: Mapping[str, str],
        *,
        concurrency: int = 20,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(base_url, auth, concurrency=concurrency, timeouts=timeouts)
        self._names = names

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Invoke the questions' add-ons for their one number."""
        chosen = "&".join(f"AddOns={self._names[one.operation]}" for one in questions)
        number = quote(questions[0].subject, safe="")
        reply = await self._transport.get(f"/v1/PhoneNumbers/{number}?{chosen}", request_id)
        document = json_body(reply)
        if reply.status == 404 and twilio_code(document) == _NO_SUCH_NUMBER:
            answers = [Answer(one.claim_id, "invalid_subject", 0, b"{}") for one in questions]
            return Exchange(reply.status, len(reply.body), answers)
        if reply.status != 200:
            raise twilio_error(reply, document, self._transport.host, unbilled=UNBILLED_STATUSES)
        results = self._results(document)
        missing = [one for one in questions if self._names[one.operation] not in results]
        if len(missing) == len(questions):
            raise self._not_installed(missing[0])
        answers = [self._answer(one, results) for one in questions]
        return Exchange(reply.status, len(reply.body), answers)

    def _results(self, document: Any) -> Mapping[str, Any]:
        host = self._transport.host
        add_ons = document.get("add_ons") if isinstance(document, dict) else None
        if not isinstance(add_ons, dict):
            raise BadResponse(f"{host} answered without add-ons.", status=200)
        results = add_ons.get("results")
        if add_ons.get("status") == "failed" and not results:
            raise TransientFailure(
                f"{host} could not invoke the add-ons.",
                status=200,
                vendor_code=twilio_code(add_ons),
                unbilled=True,
            )
        if add_ons.get("status") not in ("successful", "failed") or not isinstance(results, dict):
            raise BadResponse(f"{host} answered without results of add-ons.", status=200)
        return results

    def _not_installed(self, question: Question) -> ProviderUnavailable:
        name = self._names[question.operation]
        return ProviderUnavailable(
            f"{self._transport.host} has no add-on {name} installed in this account.",
            status=200,
            fix=f"Install it, or set providers.{PROVIDER}.{question.operation}_name.",
        )

    def _answer(self, question: Question, results: Mapping[str, Any]) -> Answer:
        name = self._names[question.operation]
        result = results.get(name)
        if result is None:
            return Answer(question.claim_id, None, 0, b"", self._not_installed(question))
        if not isinstance(result, dict) or result.get("status") not in ("successful", "failed"):
            raise BadResponse(f"{self._transport.host} answered without an add-on's status.")
        if result["status"] == "failed":
            failed = TransientFailure(
                f"The add-on {name} could not answer.",
                status=200,
                vendor_code=twilio_code(result),
                unbilled=True,
            )
            return Answer(question.claim_id, None, 0, b"", failed)
        part = result.get("result")
        if not isinstance(part, dict):
            raise BadResponse(f"The add-on {name} answered without a result.", status=200)
        outcome: OutcomeKind = "data" if part else "no_data"
        return Answer(question.claim_id, outcome, question.max_micros, orjson.dumps(part))


def build(
    credentials: Mapping[str, str], base_url: str, settings: TwilioAddonsSettings
) -> TwilioAddonsClient:
    """The client as the settings and the credentials make it."""
    names = {name: getattr(settings, f"{name}_name") for name in OPERATIONS}
    return client_of(
        TwilioAddonsClient, credentials, base_url or DEFAULT_BASE_URL, settings, names=names
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="Twilio Lookup add-ons",
    version="v1",
    variables=VARIABLES,
    credential_sets=CREDENTIAL_SETS,
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="TWILIO_ADDONS_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Your Twilio key; install the add-ons in the console under the names in the settings.",
    docs="https://www.twilio.com/docs/add-ons",
    account=ACCOUNT,
)
