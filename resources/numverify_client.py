"""NumVerify over HTTP: one client, no Dagster.

`GET /validate?number=…` at apilayer.net with `access_key` in the address (the vendor takes it
nowhere else), or at apilayer's marketplace with the key in the header `apikey`: setting `edition`.
A failure comes as HTTP 200 with `{"success": false, "error": {"code": …}}`.

Billing: every validation counts against the month's allowance, a refused request does not.

Belongs here: URL, request shape, this vendor's errors. Does not: parsing (see
`numverify_records`), retries and limits (see the engine).
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
    PermanentFailure,
    ProviderError,
    QuotaExceeded,
    RateLimited,
)
from bulk_lookup_dagster.core.vendor_settings import NumverifySettings
from bulk_lookup_dagster.engine.provider import Answer, Exchange, Question
from resources.http import Reply, Timeouts
from resources.numverify_records import OPERATIONS, PRICES, PROVIDER, parse_validate
from resources.vendor import Vendor
from resources.vendor_client import VendorClient, json_body, timeouts_of
from resources.wire_errors import status_error

DEFAULT_BASE_URL = "https://apilayer.net/api"
MARKETPLACE_BASE_URL = "https://api.apilayer.com/number_verification"
UNBILLED_STATUSES = frozenset({400, 401, 403, 404, 429})
_KEPT = ("valid", "country_code", "location", "carrier", "line_type")
_MEANINGS: Mapping[int, tuple[type[ProviderError], str]] = {
    101: (AuthFailed, "refused the key"),
    102: (AuthFailed, "says that the account is inactive"),
    103: (PermanentFailure, "does not know this function"),
    104: (QuotaExceeded, "says that the month's allowance is used up"),
    105: (AuthFailed, "says that the account's plan does not allow this, such as HTTPS"),
    106: (RateLimited, "asked for fewer requests"),
    210: (PermanentFailure, "was given no number"),
    211: (PermanentFailure, "takes only digits"),
    310: (PermanentFailure, "does not know the country"),
}


class NumverifyClient(VendorClient):
    """One number per request; `marketplace` puts the key into a header."""

    name = PROVIDER
    operations = OPERATIONS
    parsers = {"validate": parse_validate}  # noqa: RUF012 - declared a ClassVar by the base

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        marketplace: bool = False,
        concurrency: int = 20,
        timeouts: Timeouts | None = None,
    ) -> None:
        headers = {"apikey": api_key} if marketplace else {}
        super().__init__(
            base_url, headers, concurrency=concurrency, timeouts=timeouts or Timeouts()
        )
        self._access = "" if marketplace else f"access_key={quote(api_key, safe='')}&"

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Validate one number."""
        (question,) = questions
        number = quote(question.subject.removeprefix("+"), safe="")
        target = f"/validate?{self._access}number={number}"
        reply = await self._transport.get(target, request_id)
        document = _document(reply, self._transport.host)
        kept = orjson.dumps({name: document.get(name) for name in _KEPT})
        answer = Answer(question.claim_id, "data", question.max_micros, kept)
        return Exchange(reply.status, len(reply.body), [answer])


def _document(reply: Reply, host: str) -> dict[str, Any]:
    """The answer of a 200, or the error that it or any other reply stands for."""
    document = json_body(reply)
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        raise _vendor_error(error["code"], reply.status, host)
    if reply.status != 200:
        raise status_error(
            host, reply.status, wait=reply.headers.get("Retry-After"), unbilled=UNBILLED_STATUSES
        )
    if not isinstance(document, dict) or "valid" not in document:
        raise BadResponse(f"{host} answered without a validation.", status=reply.status)
    return document


def _vendor_error(code: int, status: int, host: str) -> ProviderError:
    kind, what = _MEANINGS.get(code, (PermanentFailure, f"refused the request with code {code}"))
    # The vendor answered with a refusal in place of a validation.
    return kind(f"{host} {what}.", status=status, vendor_code=str(code)[:20], unbilled=True)


def build(
    credentials: Mapping[str, str], base_url: str, settings: NumverifySettings
) -> NumverifyClient:
    """The client as the settings and the key make it."""
    marketplace = settings.edition == "marketplace"
    usual = MARKETPLACE_BASE_URL if marketplace else DEFAULT_BASE_URL
    return NumverifyClient(
        base_url or usual,
        credentials["api_key"],
        marketplace=marketplace,
        concurrency=settings.concurrency,
        timeouts=timeouts_of(settings),
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="NumVerify",
    version="v1",
    variables={"api_key": "NUMVERIFY_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="NUMVERIFY_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Subscribe at apilayer; the free plan has no HTTPS, so it needs a paid one.",
    docs="https://numverify.com/documentation",
)
