"""The adapter of a private contract with Truecaller, as the sandbox plays it.

Its shape is documented in `resources.truecaller_client`. Quirks: a number nobody is known under is
a 200 without an owner and billed; names without a type; a wrong path is 404. The demo has no key
for it and never asks it.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox import world
from bulk_lookup_dagster.sandbox.draws import knows
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    PlainSimulator,
    Reply,
    json_object,
    json_reply,
    refused,
)

_PATH = "/owner"
_OWNER_SHARE, _TYPED_SHARE, _SPAM_SHARE = 0.75, 0.9, 0.06
_REFUSED = {"message": "The key is not known."}


class Truecaller(PlainSimulator):
    """The adapter; any key but `wrong` is one of ours."""

    name = "truecaller"
    prices: Mapping[str, int] = {"owner": 50_000}
    errors: Mapping[str, tuple[int, Any]] = {
        "unauthorised": (401, _REFUSED),
        "forbidden": (403, _REFUSED),
        "rate_limited": (429, {"message": "Slower, please."}),
        "rate_limited_bare": (429, {"message": "Slower, please."}),
    }

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The number."""
        return _phone(request), ("owner",)

    def answer(self, request: Request) -> Reply:
        """To whom a number belongs."""
        if request.header(b"authorization").removeprefix("Bearer ") in ("", "wrong"):
            return refused(401, _REFUSED)
        if request.method != "POST" or request.path != _PATH:
            return refused(404, {"message": "There is no such path."})
        number = _phone(request)
        if not number:
            return refused(400, {"message": "phone is missing."})
        return json_reply({"owner": _owner(number)}, billed=((number, "owner"),))


def _phone(request: Request) -> str:
    try:
        number = json_object(request.body).get("phone")
    except InputError:
        return ""
    return number if isinstance(number, str) else ""


def _owner(number: str) -> dict[str, Any] | None:
    told = world.phone(number)
    if not (told.valid and told.owner and knows("truecaller", "owner", number, _OWNER_SHARE)):
        return None
    typed = knows("truecaller", "type", number, _TYPED_SHARE)
    kind = "business" if isinstance(told.owner, world.Company) else "person"
    return {
        "name": told.owner.name,
        "type": kind if typed else None,
        "is_spam": knows("truecaller", "spam", number, _SPAM_SHARE),
    }
