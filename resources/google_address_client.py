"""Google Address Validation over HTTP: one client, no Dagster.

`POST /v1:validateAddress` with the address in the body, key and field mask in headers; errors come
as HTTP status and google.rpc body.

Belongs here: URL, request shape, this vendor's errors. Does not: parsing (see
`google_address_records`), retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import orjson

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.engine.provider import Answer, Exchange, Question
from resources.google_address_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    parse_validate_address,
    request_of,
)
from resources.google_errors import google_error
from resources.http import JSON
from resources.key_client import KeyClient
from resources.vendor import Vendor
from resources.vendor_client import json_body

DEFAULT_BASE_URL = "https://addressvalidation.googleapis.com"
FIELD_MASK = "result.verdict,result.metadata,result.uspsData.dpvConfirmation"


class GoogleAddressClient(KeyClient):
    """One address per request."""

    name = PROVIDER
    operations = OPERATIONS
    default_base_url = DEFAULT_BASE_URL
    key_header = "X-Goog-Api-Key"
    headers = {"X-Goog-FieldMask": FIELD_MASK}  # noqa: RUF012 - a ClassVar of the base
    parsers = {"validate_address": parse_validate_address}  # noqa: RUF012 - a ClassVar of the base

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Validate one address."""
        (question,) = questions
        body = orjson.dumps(request_of(question.subject))
        reply = await self._transport.post("/v1:validateAddress", body, request_id, JSON)
        host = self._transport.host
        if reply.status != 200:
            raise google_error(reply, host)
        document = json_body(reply)
        result = document.get("result") if isinstance(document, dict) else None
        if not isinstance(result, dict) or not isinstance(result.get("verdict"), dict):
            raise BadResponse(f"{host} answered without a verdict.", status=200)
        answer = Answer(question.claim_id, "data", question.max_micros, orjson.dumps(result))
        return Exchange(reply.status, len(reply.body), [answer])


VENDOR = Vendor(
    name=PROVIDER,
    title="Google Address Validation",
    version="v1",
    variables={"api_key": "GOOGLE_ADDRESS_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="GOOGLE_ADDRESS_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=GoogleAddressClient.built,
    sign_up="Create a project with billing, enable the Address Validation API, make a key.",
    docs="https://developers.google.com/maps/documentation/address-validation",
)
