"""Twilio's deactivations over HTTP: one client, no Dagster.

`GET /v1/Deactivations?Date=YYYY-MM-DD` answers 307: Location, or `redirect_to` in the body, is a
signed address that lives for two minutes and leads to the day's text file. It is asked at once, by
a transport without our credentials. Free; a day without a file yet (404) is asked again later.

Belongs here: URL, the redirect, this vendor's errors. Does not: parsing (see
`twilio_deactivations_records`), retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson

from bulk_lookup_dagster.core.errors import BadResponse, TransientFailure
from bulk_lookup_dagster.core.vendor_settings import TwilioDeactivationsSettings
from bulk_lookup_dagster.engine.provider import Answer, Exchange, Question
from resources.http import Reply, Transport
from resources.redirects import elsewhere
from resources.twilio_account import (
    ACCOUNT,
    CREDENTIAL_SETS,
    VARIABLES,
    TwilioClient,
    client_of,
)
from resources.twilio_deactivations_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    parse_deactivations,
    read_numbers,
)
from resources.twilio_errors import twilio_error
from resources.vendor import Health, Vendor
from resources.vendor_client import json_body
from resources.wire_errors import status_error

DEFAULT_BASE_URL = "https://messaging.twilio.com"
_MAX_FILE = 16 * 1024 * 1024
_REDIRECT = 307
_FREE = frozenset(range(400, 600))


class TwilioDeactivationsClient(TwilioClient):
    """One day per request."""

    name = PROVIDER
    operations = OPERATIONS
    parsers = {"deactivations": parse_deactivations}  # noqa: RUF012 - a ClassVar of the base

    @property
    def deadline(self) -> timedelta:
        """Both exchanges together."""
        return 2 * super().deadline

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """The numbers of one day."""
        (question,) = questions
        reply = await self._moved(question.subject, request_id)
        file = await self._file(reply, request_id)
        try:
            numbers = read_numbers(file.body.decode("ascii"))
        except UnicodeDecodeError:
            raise BadResponse("Twilio deactivations: the file is no text.") from None
        part = orjson.dumps({"day": question.subject, "numbers": numbers})
        return Exchange(200, len(file.body), [Answer(question.claim_id, "data", 0, part)])

    async def check(self) -> Health:
        """Yesterday's address, without its file."""
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        await self._moved(yesterday.isoformat(), uuid4())
        return Health("the credentials are accepted (deactivations)")

    async def _moved(self, day: str, request_id: UUID) -> Reply:
        reply = await self._transport.get(f"/v1/Deactivations?Date={day}", request_id)
        host = self._transport.host
        if reply.status == 404:
            raise TransientFailure(
                f"{host} has no file for this day yet.", status=404, unbilled=True
            )
        if reply.status != _REDIRECT:
            if reply.status < 400:
                raise BadResponse(f"{host} answered without a redirect.", status=reply.status)
            raise twilio_error(reply, json_body(reply), host, unbilled=_FREE)
        return reply

    async def _file(self, moved: Reply, request_id: UUID) -> Reply:
        document = json_body(moved)
        named = document.get("redirect_to") if isinstance(document, dict) else None
        base_url, target = elsewhere(
            moved, self._transport.host, named if isinstance(named, str) else ""
        )
        async with Transport(
            base_url, headers={}, timeouts=self._timeouts, limit=1, max_body=_MAX_FILE
        ) as storage:
            reply = await storage.get(target, request_id)
        if reply.status != 200:
            # A signed address has run out, or the storage fails: nothing of ours was refused.
            status = max(reply.status, 500) if reply.status in (401, 403) else reply.status
            raise status_error(storage.host, status, unbilled=_FREE)
        return reply


def build(
    credentials: Mapping[str, str], base_url: str, settings: TwilioDeactivationsSettings
) -> TwilioDeactivationsClient:
    """The client as the settings and the credentials make it."""
    return client_of(TwilioDeactivationsClient, credentials, base_url or DEFAULT_BASE_URL, settings)


VENDOR = Vendor(
    name=PROVIDER,
    title="Twilio deactivations",
    version="messaging v1",
    variables=VARIABLES,
    credential_sets=CREDENTIAL_SETS,
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="TWILIO_DEACTIVATIONS_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Your Twilio key; the file is free.",
    docs="https://www.twilio.com/docs/messaging/api/deactivations-resource",
    free_check="the address of yesterday's file",
    account=ACCOUNT,
)
