"""Twilio Trust Hub as the sandbox plays it; contract `twilio_trusthub_v1`.

Quirks: lists come in pages of 50 unless asked otherwise, each with the address of the next; what is
in review or approved cannot be changed; every change of status is posted to the profile's
StatusCallback, signed with the auth token. `PUT reviews {"in_review_s", "verdict_s", "verdict"}`
says how reviews go from now on, `PUT verdict {"profile": "BU…", "verdict"}` ends one under way;
`PUT auth_token {"token": …}` what callbacks are signed with where requests carry an API key.

Belongs here: this vendor's paths, paging and callbacks. Does not: rules
(`twilio_trust_hub_account`), faults, the log (`account`).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import orjson

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.trust_hub import APPROVED, EDITABLE, PENDING, POLICIES, REJECTED
from bulk_lookup_dagster.sandbox.callbacks import checked, deliver
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    Callback,
    PlainSimulator,
    Reply,
    json_reply,
    parameter,
)
from bulk_lookup_dagster.sandbox.twilio_account import (
    TwilioAccount,
    not_found,
    twilio_error,
    unauthorised,
)
from bulk_lookup_dagster.sandbox.twilio_trust_hub_account import (
    ACCOUNT,
    Item,
    Profile,
    Reviews,
)
from bulk_lookup_dagster.sandbox.twilio_trust_hub_parts import (
    assignment_document,
    evaluation_document,
    item_document,
    page_document,
    policy_document,
    profile_document,
)
from bulk_lookup_dagster.sandbox.twilio_trust_hub_world import stocked

_PROFILES = ("CustomerProfiles", "TrustProducts")
_ITEMS = {"EndUsers": "IT", "SupportingDocuments": "RD"}
_OPERATIONS = {"Evaluations": "evaluation", "EntityAssignments": "assignments"}


class TwilioTrustHub(TwilioAccount, PlainSimulator):
    """The vendor, with one account."""

    name = "twilio_trust_hub"
    prices: Mapping[str, int] = dict.fromkeys(
        ("listing", "profile", "evaluation", "assignments", "business", "review"), 0
    )

    def __init__(self) -> None:
        super().__init__()
        self._account = stocked()
        self._token = ""

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The resource, and what is done with it."""
        path = request.path.removeprefix("/v1/")
        last = path.rpartition("/")[2]
        if request.method != "GET":
            return path, ("write",)
        if path in _PROFILES:
            return f"{path}?{request.query}", ("listing",)
        return path, (_OPERATIONS.get(last, "business" if "EndUsers" in path else "profile"),)

    def answer(self, request: Request) -> Reply:
        """Read, make or change a resource."""
        if not self.authorised(request):
            return unauthorised()
        self._remember_token(request)
        version, *parts = request.path.strip("/").split("/")
        if version != "v1" or request.method not in ("GET", "POST"):
            return not_found()
        form = dict(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))
        return self._route(request, parts, form)

    def control(self, name: str, document: Any) -> bool:
        """`reviews`: how they go from now on; `auth_token`: what callbacks are signed with.

        `verdict`: one under way ends now, and its call-back goes out; none of the clock's follows.
        """
        if name == "reviews":
            reviews = Reviews(**document)
            _check(reviews.verdict)
            self._account.reviews = reviews
        elif name == "auth_token":
            self._token = str(document["token"])
        elif name == "verdict":
            _check(document["verdict"])
            profile = self._account.decide(document["profile"], document["verdict"])
            told = self._callback(profile, document["verdict"], 0.0)
            deliver([told] if told else [])
        return name in ("reviews", "verdict", "auth_token")

    def _route(self, request: Request, parts: Sequence[str], form: Mapping[str, str]) -> Reply:
        writing = request.method == "POST"
        match parts:
            case [kind] if kind in _PROFILES:
                return self._make(request, kind, form) if writing else self._list(request, kind)
            case [kind, sid] if kind in _PROFILES and (found := self._profile(kind, sid)):
                return self._change(request, found, form) if writing else self._shown(found)
            case [kind, sid, "Evaluations"] if found := self._profile(kind, sid):
                return self._evaluations(request, found, form, writing)
            case [kind, sid, "EntityAssignments"] if found := self._profile(kind, sid):
                return self._assignments(request, found, form, writing)
            case [kind] if kind in _ITEMS:
                return self._make_item(kind, form) if writing else self._items(request, kind)
            case [kind, sid] if kind in _ITEMS and (item := self._account.items.get(sid)):
                return self._change_item(item, form) if writing else json_reply(item_document(item))
            case ["Policies", *rest] if not writing:
                return _policies(request, rest)
        return not_found()

    def _profile(self, kind: str, sid: str) -> Profile | None:
        found = self._account.profiles.get(sid)
        return found if found is not None and found.path == kind else None

    def _shown(self, profile: Profile, status: int = 200, **options: Any) -> Reply:
        return json_reply(profile_document(profile), status, **options)

    def _list(self, request: Request, kind: str) -> Reply:
        names = {"Status": "status", "FriendlyName": "friendly_name", "PolicySid": "policy_sid"}
        wanted = {key: value for name, key in names.items() if (value := parameter(request, name))}
        documents = [profile_document(one) for one in self._account.profiles.values()
                     if one.path == kind]  # fmt: skip
        found = [one for one in documents if wanted.items() <= one.items()]
        return page_document(request, kind, found)

    def _make(self, request: Request, kind: str, form: Mapping[str, str]) -> Reply:
        missing = [name for name in ("FriendlyName", "Email", "PolicySid") if not form.get(name)]
        if missing or form["PolicySid"] not in POLICIES.values():
            return twilio_error(400, 20001, f"Invalid parameter {(missing or ['PolicySid'])[0]}")
        now = datetime.now(UTC)
        sid = self._account.new_sid("BU")
        profile = Profile(
            sid, kind, form["FriendlyName"], form["Email"], form["PolicySid"], now, now
        )
        profile.status_callback = form.get("StatusCallback") or None
        self._account.profiles[sid] = profile
        return self._shown(profile, 201)

    def _change(self, request: Request, profile: Profile, form: Mapping[str, str]) -> Reply:
        wanted = form.get("Status", "")
        if wanted and not self._account.may_become(profile, wanted):
            return twilio_error(400, 22302, "The status cannot be changed")
        if profile.now() not in EDITABLE:
            return twilio_error(400, 22303, "The bundle cannot be changed in its status")
        profile.friendly_name = form.get("FriendlyName") or profile.friendly_name
        profile.email = form.get("Email") or profile.email
        profile.status_callback = form.get("StatusCallback") or profile.status_callback
        if wanted != PENDING:
            return self._shown(profile)
        following = [(0.0, PENDING), *self._account.submit(profile)]
        told = [one for delay, status in following
                if (one := self._callback(profile, status, delay))]  # fmt: skip
        return self._shown(profile, callbacks=told)

    def _callback(self, profile: Profile, status: str, delay: float) -> Callback | None:
        try:
            url = checked(profile.status_callback or "")
        except InputError:
            return None
        form = {"AccountSid": ACCOUNT, "BundleSid": profile.sid, "Status": status}
        text = url + "".join(name + form[name] for name in sorted(form))
        digest = hmac.new(self._token.encode(), text.encode(), "sha1").digest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": base64.b64encode(digest).decode(),
            "I-Twilio-Idempotency-Token": str(uuid4()),
        }
        review = profile.reviews
        return Callback(
            url,
            urlencode(form).encode(),
            headers,
            delay_s=max(delay, 0.01),
            due=lambda: profile.reviews == review,
        )

    def _evaluations(
        self, request: Request, profile: Profile, form: Mapping[str, str], writing: bool
    ) -> Reply:
        if not writing:
            newest = [evaluation_document(one, profile) for one in reversed(profile.evaluations)]
            return page_document(request, f"{profile.path}/{profile.sid}/Evaluations", newest)
        if form.get("PolicySid") != profile.policy_sid:
            return twilio_error(400, 20001, "Invalid parameter PolicySid")
        profile.evaluations.append(self._account.evaluate(profile))
        return json_reply(evaluation_document(profile.evaluations[-1], profile), 201)

    def _assignments(
        self, request: Request, profile: Profile, form: Mapping[str, str], writing: bool
    ) -> Reply:
        if not writing:
            path = f"{profile.path}/{profile.sid}/EntityAssignments"
            found = [assignment_document(profile, sid) for sid in profile.assigned]
            return page_document(request, path, found)
        sid = form.get("ObjectSid", "")
        if sid not in self._account.items and sid not in self._account.profiles:
            return twilio_error(400, 20001, "Invalid parameter ObjectSid")
        if profile.now() not in EDITABLE or sid in profile.assigned:
            return twilio_error(400, 22304, "The item cannot be assigned")
        profile.assigned[sid] = self._account.new_sid("BV")
        return json_reply(assignment_document(profile, sid), 201)

    def _items(self, request: Request, kind: str) -> Reply:
        found = [item_document(one) for one in self._account.items.values()
                 if one.sid.startswith(_ITEMS[kind])]  # fmt: skip
        return page_document(request, kind, found)

    def _make_item(self, kind: str, form: Mapping[str, str]) -> Reply:
        if not form.get("FriendlyName") or not form.get("Type"):
            return twilio_error(400, 20001, "Invalid parameter Type")
        sid = self._account.new_sid(_ITEMS[kind])
        item = Item(sid, form["FriendlyName"], form["Type"], {}, datetime.now(UTC))
        self._account.items[sid] = item
        changed = self._change_item(item, form)
        changed.status = 201 if changed.status == 200 else changed.status
        return changed

    def _change_item(self, item: Item, form: Mapping[str, str]) -> Reply:
        try:
            item.attributes = orjson.loads(form.get("Attributes") or "{}")
        except orjson.JSONDecodeError:
            return twilio_error(400, 20001, "Invalid parameter Attributes")
        item.friendly_name = form.get("FriendlyName") or item.friendly_name
        return json_reply(item_document(item))

    def _remember_token(self, request: Request) -> None:
        basic = base64.b64decode(request.header(b"authorization").removeprefix("Basic "))
        user, _, password = basic.decode("latin-1").partition(":")
        if user.startswith("AC"):
            self._token = password


def _check(verdict: str) -> None:
    if verdict not in (APPROVED, REJECTED):
        raise InputError("A verdict is twilio-approved or twilio-rejected.")


def _policies(request: Request, rest: Sequence[str]) -> Reply:
    if not rest:
        found = [policy_document(sid, word) for word, sid in POLICIES.items()]
        return page_document(request, "Policies", found)
    words = {sid: word for word, sid in POLICIES.items()}
    return json_reply(policy_document(rest[0], words[rest[0]])) if rest[0] in words else not_found()
