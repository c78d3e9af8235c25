"""Verizon ThingSpace over HTTP: one client, no Dagster.

Two tokens go with every request: an OAuth token of key and secret (an hour), and with it a session
of user and password (20 minutes idle). `POST /m2m/v1/intelligence/wireless-coverage` is accepted
with a `requestId`; the answer is posted to the registered address, with the password given at
registration in plain text. There is nothing to poll.

A refused token is refreshed once for everybody (F08): the first refusal is a passing fault, a fresh
token refused as well stops the provider.

Belongs here: URLs, request shapes, tokens, this vendor's errors and call-backs. Does not: parsing
(see `verizon_records`), sharing tokens (see `resources.oauth`).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson

from bulk_lookup_dagster.core.errors import AuthFailed, BadResponse, TransientFailure
from bulk_lookup_dagster.core.vendor_settings import VerizonSettings
from bulk_lookup_dagster.engine.provider import Accepted, Answer, Callback, Exchange, Question
from resources.http import JSON, Reply, Timeouts, basic_auth
from resources.oauth import MemoryTokens, Token, TokenSource, token_key
from resources.vendor import Health, Vendor
from resources.vendor_client import VendorClient, json_body, timeouts_of
from resources.verizon_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    kept_of_callback,
    parse_fwa_qualification,
    request_of,
)
from resources.wire_errors import status_error

DEFAULT_BASE_URL = "https://thingspace.verizon.com/api"
UNBILLED_STATUSES = frozenset({400, 401, 403, 404, 429})
_SESSION_LIFE = timedelta(minutes=20)
_LOOK_AGAIN = timedelta(hours=1)
_RESULT = "result"


class VerizonClient(VendorClient):
    """One address per request. `credentials` are those of `VENDOR`."""

    name = PROVIDER
    operations = OPERATIONS
    parsers = {"fwa_qualification": parse_fwa_qualification}  # noqa: RUF012 - of the base

    def __init__(
        self,
        base_url: str,
        credentials: Mapping[str, str],
        *,
        concurrency: int = 5,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(base_url, {}, concurrency=concurrency, timeouts=timeouts or Timeouts())
        self._credentials = credentials
        self._source: TokenSource = MemoryTokens()
        self._refused: tuple[str, str] | None = None

    def use_tokens(self, source: TokenSource) -> None:
        """Share tokens through `source`."""
        self._source = source

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Have one address qualified; the answer comes later."""
        (question,) = questions
        tokens = await self._tokens()
        body = orjson.dumps(request_of(question.subject, self._credentials["account_name"]))
        reply = await self._transport.post(
            "/m2m/v1/intelligence/wireless-coverage", body, request_id, JSON, _headers(tokens)
        )
        if reply.status == 401:
            raise self._refusal(tokens)
        accepted = Accepted(self._text(reply, "requestId"), _LOOK_AGAIN)
        self._refused = None
        answer = Answer(question.claim_id, None, 0, b"", accepted=accepted)
        return Exchange(reply.status, len(reply.body), [answer])

    def read_callback(self, headers: Mapping[str, str], body: bytes, url: str) -> Callback:
        """The request a call-back is about, once its password is the one we registered."""
        document = _object(body)
        given = document.get("password")
        expected = self._credentials["callback_password"].encode()
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected):
            raise AuthFailed("A call-back has not the password registered at Verizon.")
        external_id = document.get("requestId")
        if not isinstance(external_id, str) or not external_id:
            raise BadResponse("Verizon ThingSpace: a call-back names no request.")
        return Callback(external_id[:200], _RESULT)

    def callback_answer(self, question: Question, event: str, body: bytes) -> Answer | None:
        """The verdicts of a call-back."""
        if event != _RESULT:
            return None
        kept = kept_of_callback(_object(body))
        outcome = bool(kept["networks"])
        return Answer(
            question.claim_id,
            "data" if outcome else "no_data",
            question.max_micros,
            orjson.dumps(kept),
        )

    async def check(self) -> Health:
        """Log in with both tokens."""
        await self._tokens()
        return Health("both tokens were given (OAuth and session)")

    async def _tokens(self) -> tuple[str, str]:
        """OAuth token and session token; those just refused are not taken again."""
        key, user = self._credentials["api_key"], self._credentials["username"]
        old_oauth, old_session = self._refused or (None, None)
        oauth = await self._source.token(
            token_key(PROVIDER, "oauth", key), self._fetch_oauth, stale=old_oauth
        )

        async def log_in(_before: Token | None) -> Token:
            return await self._fetch_session(oauth.access)

        session = await self._source.token(
            token_key(PROVIDER, "session", key, user), log_in, stale=old_session
        )
        return oauth.access, session.access

    async def _fetch_oauth(self, _before: Token | None) -> Token:
        basic = basic_auth(self._credentials["api_key"], self._credentials["api_secret"])
        reply = await self._transport.post_form(
            "/ts/v1/oauth2/token",
            [("grant_type", "client_credentials")],
            uuid4(),
            {"Authorization": basic},
        )
        access = self._text(reply, "access_token")
        seconds = _object(reply.body).get("expires_in")
        life = seconds if isinstance(seconds, int) and 0 < seconds <= 86_400 else 3_600
        return Token(access, datetime.now(UTC) + timedelta(seconds=life))

    async def _fetch_session(self, oauth: str) -> Token:
        login = {name: self._credentials[name] for name in ("username", "password")}
        reply = await self._transport.post(
            "/m2m/v1/session/login",
            orjson.dumps(login),
            uuid4(),
            JSON,
            {"Authorization": f"Bearer {oauth}"},
        )
        return Token(self._text(reply, "sessionToken"), datetime.now(UTC) + _SESSION_LIFE)

    def _text(self, reply: Reply, name: str) -> str:
        """A text of a 200's answer, or the error any other reply stands for."""
        host = self._transport.host
        if reply.status != 200:
            wait = reply.headers.get("Retry-After")
            raise status_error(host, reply.status, wait=wait, unbilled=UNBILLED_STATUSES)
        document = json_body(reply)
        value = document.get(name) if isinstance(document, dict) else None
        if not isinstance(value, str) or not value or not value.isprintable():
            raise BadResponse(f"{host} answered without {name}.", status=200)
        return value

    def _refusal(self, tokens: tuple[str, str]) -> AuthFailed | TransientFailure:
        host = self._transport.host
        if self._refused is not None and self._refused != tokens:
            return AuthFailed(f"{host} refused fresh tokens.", status=401)
        self._refused = tokens
        return TransientFailure(
            f"{host} refused a token; it is renewed.", status=401, unbilled=True
        )


def _headers(tokens: tuple[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens[0]}", "VZ-M2M-Token": tokens[1]}


def _object(body: bytes) -> Mapping[str, object]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise BadResponse("Verizon ThingSpace: no JSON object.")
    return document


def build(
    credentials: Mapping[str, str], base_url: str, settings: VerizonSettings
) -> VerizonClient:
    """The client as the settings and the credentials make it."""
    return VerizonClient(
        base_url or DEFAULT_BASE_URL,
        credentials,
        concurrency=settings.concurrency,
        timeouts=timeouts_of(settings),
    )


_NAMES = ("api_key", "api_secret", "username", "password", "account_name", "callback_password")
VENDOR = Vendor(
    name=PROVIDER,
    title="Verizon ThingSpace",
    version="v1",
    variables={name: f"VERIZON_{name.upper()}" for name in _NAMES},
    credential_sets=(_NAMES,),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="VERIZON_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Needs a ThingSpace contract that includes fixed wireless qualification.",
    docs="https://thingspace.verizon.com/documentation",
    free_check="a log-in",
)
