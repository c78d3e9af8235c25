"""Verizon ThingSpace as the sandbox plays it; contract `derived_verizon_fwa`.

Quirks: two tokens, each refused where it is not one that was given; a request is only accepted, and
its answer is posted to the address registered by the control `PUT callback {"url": …, "password":
…}`. `PUT expire_tokens {}` makes every token given so far worthless.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.callbacks import checked
from bulk_lookup_dagster.sandbox.draws import draw, knows
from bulk_lookup_dagster.sandbox.places import locate
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    Callback,
    PlainSimulator,
    Reply,
    json_object,
    json_reply,
    refused,
)

_PATHS = {
    "/ts/v1/oauth2/token": "oauth",
    "/m2m/v1/session/login": "session",
    "/m2m/v1/intelligence/wireless-coverage": "fwa_qualification",
}
_SHARES = {"LTE": 0.7, "C-BAND": 0.45, "MMWAVE": 0.1}


class Verizon(PlainSimulator):
    """The vendor; any credentials but `wrong` are ours."""

    name = "verizon"
    prices: Mapping[str, int] = {"fwa_qualification": 50_000}

    def __init__(self) -> None:
        self._given = 0
        self._valid: set[str] = set()
        self._callback: tuple[str, str] | None = None

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The address; for tokens, which one."""
        operation = _PATHS.get(request.path, request.path)
        if operation != "fwa_qualification":
            return operation, (operation,)
        return _line(_address(request)), (operation,)

    def answer(self, request: Request) -> Reply:
        """A token, a session, or that the answer will come."""
        operation = _PATHS.get(request.path) if request.method == "POST" else None
        bearer = request.header(b"authorization").removeprefix("Bearer ")
        if operation is None:
            return refused(404, {"errorMessage": "Not found"})
        if operation == "oauth":
            if not request.header(b"authorization").startswith("Basic "):
                return refused(401, {"error": "invalid_client"})
            return json_reply(
                {"access_token": self._give("oauth"), "token_type": "Bearer", "expires_in": 3600}
            )
        if bearer not in self._valid:
            return refused(401, {"errorMessage": "invalid OAuth token"})
        if operation == "session":
            return json_reply({"sessionToken": self._give("session")})
        if request.header(b"vz-m2m-token") not in self._valid:
            return refused(401, {"errorMessage": "invalid session token"})
        return self._qualify(request)

    def control(self, name: str, document: Any) -> bool:
        """`callback`: where answers are posted; `expire_tokens`: what was given is worthless."""
        if name == "callback":
            self._callback = checked(document["url"]), document["password"]
        elif name == "expire_tokens":
            self._valid.clear()
        return name in ("callback", "expire_tokens")

    def _give(self, kind: str) -> str:
        self._given += 1
        token = f"{kind}-{self._given}"
        self._valid.add(token)
        return token

    def _qualify(self, request: Request) -> Reply:
        address = _address(request)
        line = _line(address)
        if not line:
            return refused(400, {"errorMessage": "addressList is missing"})
        self._given += 1
        external_id = f"{draw('verizon', line):016x}-{self._given}"
        callbacks = []
        if self._callback is not None:
            url, password = self._callback
            told = {"username": "sandbox", "password": password, "requestId": external_id}
            place = {**address, "networkTypesList": _networks(address, line)}
            body = orjson.dumps({**told, "locations": {"addressList": [place]}})
            callbacks.append(Callback(url, body))
        return json_reply(
            {"requestId": external_id},
            billed=((line, "fwa_qualification"),),
            callbacks=callbacks,
        )


def _address(request: Request) -> Mapping[str, Any]:
    try:
        found = json_object(request.body).get("locations", {}).get("addressList", [])
    except InputError:
        return {}
    return found[0] if found and isinstance(found[0], dict) else {}


def _line(address: Mapping[str, Any]) -> str:
    names = ("addressLine1", "addressLine2", "city", "state", "zip")
    return ", ".join(str(address[name]) for name in names if address.get(name))


def _networks(address: Mapping[str, Any], line: str) -> list[dict[str, Any]]:
    place = (str(address.get(name, "")) for name in ("addressLine1", "city", "state", "zip"))
    if locate(*place) is None:
        return []
    return [
        {"networkType": name, "qualified": "Y" if knows("verizon", name, line, share) else "N"}
        for name, share in _SHARES.items()
    ]
