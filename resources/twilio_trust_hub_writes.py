"""Writing to Twilio Trust Hub over HTTP, only where an operator says so.

Twilio takes no idempotency key, so every write has a look-up beside it that finds what an earlier
one made. Nothing here repeats a request. Each takes a turn of the account's shared rate, and counts
for the circuit of the operation that reads the same resource.

Belongs here: the requests. Does not: their order and what was made already
(`services.trust_hub_submissions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import orjson

from resources.turns import Turns
from resources.twilio_account import TwilioClient
from resources.twilio_trust_hub_pages import document_of, next_page, rows_of
from resources.twilio_trust_hub_records import checks_of, kept_evaluation, sid_of, status_of

_PAGE = 1000
_PROFILES = "CustomerProfiles"
# By the last collection a path names.
_ENDPOINTS: Mapping[str, str] = {
    "Policies": "listing",
    _PROFILES: "profile",
    "Evaluations": "evaluation",
    "EntityAssignments": "assignments",
    "EndUsers": "business",
    "SupportingDocuments": "business",
}


@dataclass(frozen=True, slots=True)
class State:
    """A customer profile as it stands."""

    sid: str
    status: str


@dataclass(frozen=True, slots=True)
class Made:
    """An end user or a supporting document of the account."""

    sid: str
    friendly_name: str
    kind: str
    attributes: Any


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Whether a profile keeps its policy; `failed` are `object_type.field`."""

    compliant: bool
    failed: tuple[str, ...]


class TrustHubWrites(TwilioClient):
    """Base of the client: what changes the account, and the look-ups that belong to it."""

    _turns: Turns | None = None

    def use_turns(self, turns: Turns) -> None:
        """Take turns from `turns`; without any, nothing here is sent."""
        self._turns = turns

    async def ready(self) -> None:
        """Raise `ProviderUnavailable` where one of these requests may not go out now."""
        await self._given_turns().check(set(_ENDPOINTS.values()))

    async def named_profiles(self, friendly_name: str, policy_sid: str) -> list[State]:
        """Profiles of exactly this name and policy; Twilio's filter alone is not trusted."""
        query = {"FriendlyName": friendly_name, "PolicySid": policy_sid}
        return [
            State(sid_of(one), status_of(one))
            for one in await self._all(_PROFILES, query)
            if one.get("friendly_name") == friendly_name and one.get("policy_sid") == policy_sid
        ]

    async def profile(self, sid: str) -> State:
        """One profile."""
        document = await self._get(f"{_PROFILES}/{sid}")
        return State(sid_of(document), status_of(document))

    async def policy_exists(self, policy_sid: str) -> bool:
        """Whether Twilio has such a policy."""
        return any(one.get("sid") == policy_sid for one in await self._all("Policies", {}))

    async def made(self, path: str) -> list[Made]:
        """All `EndUsers` or `SupportingDocuments` of the account."""
        return [
            Made(
                sid_of(one),
                str(one.get("friendly_name")),
                str(one.get("type")),
                one.get("attributes"),
            )
            for one in await self._all(path, {})
        ]

    async def assigned(self, sid: str) -> set[str]:
        """What is assigned to a profile."""
        rows = await self._all(f"{_PROFILES}/{sid}/EntityAssignments", {})
        return {sid_of(one, "object_sid") for one in rows}

    async def make_profile(self, friendly_name: str, email: str, policy_sid: str) -> str:
        """A new draft."""
        form = {"FriendlyName": friendly_name, "Email": email, "PolicySid": policy_sid}
        return sid_of(await self._post(_PROFILES, form))

    async def make(self, path: str, friendly_name: str, kind: str, attributes: Any) -> str:
        """A new end user or supporting document."""
        form = {"FriendlyName": friendly_name, "Type": kind, "Attributes": _text(attributes)}
        return sid_of(await self._post(path, form))

    async def change(self, path: str, sid: str, attributes: Any) -> None:
        """Other attributes of an end user or supporting document."""
        await self._post(f"{path}/{sid}", {"Attributes": _text(attributes)})

    async def assign(self, sid: str, object_sid: str) -> None:
        """Assign something to a profile."""
        await self._post(f"{_PROFILES}/{sid}/EntityAssignments", {"ObjectSid": object_sid})

    async def evaluate(self, sid: str, policy_sid: str) -> Evaluation:
        """Have Twilio hold a profile against its policy."""
        form = {"PolicySid": policy_sid}
        kept = kept_evaluation(await self._post(f"{_PROFILES}/{sid}/Evaluations", form))
        return Evaluation(kept["status"] == "compliant", tuple(checks_of(kept)[1]))

    async def submit(self, sid: str, email: str, callback_url: str) -> State:
        """Hand a profile over to review; `callback_url` '' leaves its verdict to polling."""
        form = {"Status": "pending-review", "Email": email}
        if callback_url:
            form["StatusCallback"] = callback_url
        document = await self._post(f"{_PROFILES}/{sid}", form)
        return State(sid_of(document), status_of(document))

    async def _all(self, path: str, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        following = urlencode({**query, "PageSize": str(_PAGE)})
        while following:
            document = await self._get(f"{path}?{following}")
            found += rows_of(document, "results")
            more = next_page(document)
            following = f"{urlencode({**query, 'PageSize': str(_PAGE)})}&{more}" if more else ""
        return found

    async def _get(self, path: str) -> Mapping[str, Any]:
        async with self._given_turns().turn(endpoint_of(path)):
            reply = await self._transport.get(f"/v1/{path}", uuid4())
            return document_of(reply, self._transport.host)

    async def _post(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        async with self._given_turns().turn(endpoint_of(path)):
            reply = await self._transport.post_form(f"/v1/{path}", list(form.items()), uuid4())
            return document_of(reply, self._transport.host)

    def _given_turns(self) -> Turns:
        if self._turns is None:
            raise RuntimeError("the client has no turns: call `use_turns` first")
        return self._turns


def endpoint_of(path: str) -> str:
    """Whose circuit a request to `path` counts for."""
    parts = path.partition("?")[0].split("/")
    return next(_ENDPOINTS[part] for part in reversed(parts) if part in _ENDPOINTS)


def _text(attributes: Any) -> str:
    return orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS).decode()
