"""Truecaller over HTTP, for holders of a private contract: one client, no Dagster.

Truecaller sells no public search of numbers. The hosts of its app and site answer one, but asking
them breaks its terms and data-protection law: they are refused here. Whoever has a contract runs an
adapter that maps it to `POST /owner` (see `SHAPE`), and gives its address and key.

A number nobody is known under is a 200 without an owner; 402 means that the contract's allowance is
used up, 404 that the address is wrong. Billing: 401, 402, 403, 404 and 429 are refusals without
one; anything else may have been billed.

Belongs here: URL, request shape, what is refused. Does not: parsing (see `truecaller_records`),
retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    ConfigError,
    ProviderError,
    QuotaExceeded,
)
from bulk_lookup_dagster.core.vendor_settings import VendorSettings
from bulk_lookup_dagster.engine.provider import Answer, Exchange, OutcomeKind, Question
from resources.http import Reply
from resources.key_client import KeyClient
from resources.truecaller_records import OPERATIONS, PRICES, PROVIDER, kept_of, parse_owner
from resources.vendor import Vendor
from resources.vendor_client import json_body
from resources.wire_errors import status_error

UNBILLED_STATUSES = frozenset({401, 402, 403, 404, 429})
# Reads stored answers only: without an address of its own the vendor is off.
_NOWHERE = "https://truecaller-adapter.invalid"
_OWN_DOMAIN = "truecaller.com"
_WEB_HOSTS = ".cloudfunctions.net"  # where the search of its site runs

CONTRACT = (
    "Truecaller has no public search that may be asked lawfully; ask trestle or pdl instead."
    " Holders of a private contract"
)
SHAPE = """\
The contract's holder maps it: the platform asks an adapter of yours, which asks Truecaller as your
contract says. Hosts of Truecaller itself are refused, `api4.truecaller.com/v1/search` and its like
first of all: they are the app's own, and asking them breaks its terms and data-protection law.

- Request: `POST /owner` below `TRUECALLER_BASE_URL` with `Authorization: Bearer` and the key, body
  `{"phone": "+14155550100"}`: one number, as E.164.
- Answer: 200 `{"owner": {"name": "Ada Brook", "type": "person", "is_spam": false}}`. `type` is
  `person`, `business` or null; `is_spam` may be null.
- Nobody known: 200 `{"owner": null}`, never a 404.
- Refusals, not billed: 401 and 403 wrong key, 402 allowance used up, 404 wrong address, 429 slower
  (with `Retry-After`).
- Anything else may have been billed: it is not asked again by itself.
"""


class TruecallerClient(KeyClient):
    """One number per request, asked of the contract holder's adapter."""

    name = PROVIDER
    operations = OPERATIONS
    default_base_url = _NOWHERE
    key_header = "Authorization"
    key_prefix = "Bearer "
    parsers = {"owner": parse_owner}  # noqa: RUF012 - declared a ClassVar by the base

    @classmethod
    def built(cls, credentials: Mapping[str, str], base_url: str, settings: VendorSettings) -> Self:
        """The client as the settings, the key and an address outside Truecaller's own make it."""
        _refuse_own(base_url)
        return super().built(credentials, base_url, settings)

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """To whom one number belongs."""
        (question,) = questions
        body = orjson.dumps({"phone": question.subject})
        reply = await self._transport.post_json("/owner", body, request_id)
        owner = _owner(reply, self._transport.host)
        outcome: OutcomeKind = "no_data" if owner.get("name") in (None, "") else "data"
        kept = orjson.dumps(kept_of(owner) if owner else {})
        answer = Answer(question.claim_id, outcome, question.max_micros, kept)
        return Exchange(reply.status, len(reply.body), [answer])


def _owner(reply: Reply, host: str) -> Mapping[str, Any]:
    """The owner in a 200, empty where nobody is known, or the error any other reply stands for."""
    document = json_body(reply)
    if reply.status != 200:
        raise _error(reply, host)
    owner = document.get("owner", "") if isinstance(document, dict) else ""
    if owner is not None and not isinstance(owner, dict):
        raise BadResponse(f"{host} answered without an owner.", status=200)
    return owner or {}


def _error(reply: Reply, host: str) -> ProviderError:
    if reply.status == 402:
        told = f"{host} says that the contract's allowance is used up."
        return QuotaExceeded(told, status=402, unbilled=True)
    if reply.status == 404:
        told = f"{host} knows no such path; is TRUECALLER_BASE_URL right?"
        return AuthFailed(told, status=404, unbilled=True)
    wait = reply.headers.get("Retry-After")
    return status_error(host, reply.status, wait=wait, unbilled=UNBILLED_STATUSES)


def _refuse_own(base_url: str) -> None:
    """Raise `ConfigError` for a host of Truecaller's app or site."""
    host = (urlsplit(base_url).hostname or "").rstrip(".").lower()
    own = f".{host}".endswith(f".{_OWN_DOMAIN}")
    if own or (PROVIDER in host and host.endswith(_WEB_HOSTS)):
        raise ConfigError(
            f"TRUECALLER_BASE_URL names {host}, a host of Truecaller's own. The search of its app"
            " and site is private: asking it breaks Truecaller's terms and data-protection law.",
            fix="Give the address of the adapter of your contract, or unset it and use trestle"
            " or pdl.",
        )


VENDOR = Vendor(
    name=PROVIDER,
    title="Truecaller",
    version="adapter 1",
    variables={"api_key": "TRUECALLER_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url="",
    base_url_variable="TRUECALLER_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=TruecallerClient.built,
    sign_up="Off by default: Truecaller sells no public search of numbers, so only holders of a"
    " private contract switch it on; others ask Trestle or People Data Labs.",
    docs="https://docs.truecaller.com",
    contract=CONTRACT,
    shape=SHAPE,
)
