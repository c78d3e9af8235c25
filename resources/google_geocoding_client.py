"""Google Geocoding over HTTP: one client for both versions, no Dagster.

v4 is a form posted to `/v4/geocode/address` as an overridden GET: key and field mask in headers,
the address in the body, errors as HTTP status and google.rpc body; a point stands in the path of
`GET /v4/geocode/location/LAT,LNG`. v3 is `GET /maps/api/geocode/json` with key and question in the
URL, where the vendor wants them, and its verdict in `status` of a 200. Setting `version`; a claim
is the same for both.

Google's text of an address may not be kept: of the answer about a point it is told to whoever
listens (`tell`) while the answer is there, and asked for only then.

Billing: a request without results is billed like any other; refusals are not.

Belongs here: URLs, request shapes, this vendor's errors. Does not: parsing (see
`google_geocoding_records`), retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    UnknownOutcome,
)
from bulk_lookup_dagster.core.vendor_settings import GoogleGeocodingSettings
from bulk_lookup_dagster.engine.provider import Answer, Exchange, OutcomeKind, Question
from resources.google_errors import google_error
from resources.google_geocoding_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    kept_v3,
    kept_v4,
    one_line,
    parse_geocode,
    parse_reverse_geocode,
    text_of,
)
from resources.http import Reply, Timeouts
from resources.vendor import Vendor
from resources.vendor_client import VendorClient, json_body, timeouts_of

DEFAULT_BASE_URL = "https://geocode.googleapis.com"
LEGACY_BASE_URL = "https://maps.googleapis.com"
FIELD_MASK = "results.placeId,results.location,results.granularity"
_WITH_TEXT = f"{FIELD_MASK},results.formattedAddress"
Listener = Callable[[int, str], None]
_REFUSALS: Mapping[str, tuple[type[ProviderError], str]] = {
    "OVER_QUERY_LIMIT": (RateLimited, "asked for fewer requests"),
    "OVER_DAILY_LIMIT": (QuotaExceeded, "says that the day's quota is used up or billing is off"),
    "REQUEST_DENIED": (AuthFailed, "refused the key"),
    "INVALID_REQUEST": (PermanentFailure, "does not take this question"),
}


class GoogleGeocodingClient(VendorClient):
    """One address or point per request; `legacy` speaks v3."""

    name = PROVIDER
    operations = OPERATIONS
    parsers = {  # noqa: RUF012 - declared a ClassVar by the base
        "geocode": parse_geocode,
        "reverse_geocode": parse_reverse_geocode,
    }

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        legacy: bool = False,
        concurrency: int = 20,
        timeouts: Timeouts | None = None,
    ) -> None:
        headers = {} if legacy else {"X-Goog-Api-Key": api_key}
        super().__init__(
            base_url, headers, concurrency=concurrency, timeouts=timeouts or Timeouts()
        )
        self._legacy_key = quote(api_key, safe="") if legacy else ""
        self._listener: Listener | None = None

    def tell(self, listener: Listener) -> None:
        """Tell `listener` the text of the address at a point, with the point's subject."""
        self._listener = listener

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Geocode one address, or ask for the address at one point."""
        (question,) = questions
        ask, kept_of = (self._ask_v3, kept_v3) if self._legacy_key else (self._ask_v4, kept_v4)
        reply, result = await ask(question, request_id)
        kept = {} if result is None else kept_of(result)
        outcome: OutcomeKind = "data" if kept else "no_data"
        body = orjson.dumps({"result": kept} if kept else {})
        answer = Answer(question.claim_id, outcome, question.max_micros, body)
        if result is not None and self._listener and question.operation == "reverse_geocode":
            self._listener(question.subject_id, text_of(result))
        return Exchange(reply.status, len(reply.body), [answer])

    async def _ask_v4(
        self, question: Question, request_id: UUID
    ) -> tuple[Reply, Mapping[str, Any] | None]:
        if question.operation == "reverse_geocode":
            mask = _WITH_TEXT if self._listener else FIELD_MASK
            target = f"/v4/geocode/location/{quote(question.subject, safe=',')}"
            reply = await self._transport.get(target, request_id, {"X-Goog-FieldMask": mask})
        else:
            reply = await self._transport.post_form(
                "/v4/geocode/address",
                [("addressQuery", one_line(question.subject))],
                request_id,
                {"X-HTTP-Method-Override": "GET", "X-Goog-FieldMask": FIELD_MASK},
            )
        if reply.status != 200:
            raise google_error(reply, self._transport.host)
        document = json_body(reply)
        # An answer without results is an empty object.
        if not isinstance(document, dict) or document.keys() - {"results"}:
            raise BadResponse(f"{self._transport.host} answered without results.", status=200)
        return reply, _first(document.get("results", []), self._transport.host)

    async def _ask_v3(
        self, question: Question, request_id: UUID
    ) -> tuple[Reply, Mapping[str, Any] | None]:
        asked = (
            f"latlng={quote(question.subject, safe=',')}"
            if question.operation == "reverse_geocode"
            else f"address={quote(one_line(question.subject), safe='')}"
        )
        reply = await self._transport.get(
            f"/maps/api/geocode/json?{asked}&key={self._legacy_key}", request_id
        )
        if reply.status != 200:
            raise google_error(reply, self._transport.host)
        document = _verdict(json_body(reply), self._transport.host)
        return reply, _first(document.get("results", []), self._transport.host)


def _verdict(document: Any, host: str) -> Mapping[str, Any]:
    """A v3 answer whose status is one of an answer; else the error its status stands for."""
    if not isinstance(document, dict):
        raise BadResponse(f"{host} answered without a JSON object.", status=200)
    status = str(document.get("status"))
    if status in ("OK", "ZERO_RESULTS"):
        if bool(document.get("results")) is not (status == "OK"):
            raise BadResponse(f"{host} answered {status} with other results.", status=200)
        return document
    if status == "UNKNOWN_ERROR":
        raise UnknownOutcome(f"{host} failed with an error of its own.", vendor_code=status)
    if status in _REFUSALS:
        kind, what = _REFUSALS[status]
        raise kind(f"{host} {what}.", status=200, vendor_code=status, unbilled=True)
    raise BadResponse(f"{host} answered with no status it is known to have.", status=200)


def _first(results: Any, host: str) -> Mapping[str, Any] | None:
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise BadResponse(f"{host} answered without a list of results.", status=200)
    return results[0] if results else None


def build(
    credentials: Mapping[str, str], base_url: str, settings: GoogleGeocodingSettings
) -> GoogleGeocodingClient:
    """The client as the settings and the key make it."""
    legacy = settings.version == "v3"
    return GoogleGeocodingClient(
        base_url or (LEGACY_BASE_URL if legacy else DEFAULT_BASE_URL),
        credentials["api_key"],
        legacy=legacy,
        concurrency=settings.concurrency,
        timeouts=timeouts_of(settings),
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="Google Geocoding",
    version="v4, or v3 by setting",
    variables={"api_key": "GOOGLE_GEOCODING_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="GOOGLE_GEOCODING_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Create a project with billing, enable the Geocoding API, make a key.",
    docs="https://developers.google.com/maps/documentation/geocoding",
)
