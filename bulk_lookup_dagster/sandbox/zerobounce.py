"""ZeroBounce as the sandbox plays it; shapes of contract `derived_zerobounce`.

Quirks: a wrong key and an empty account get the same text inside a 200, and so does a time-out that
is a number; after 200 calls with a wrong key the account is blocked for everybody until
`PUT /_sandbox/unblock` (`PUT /_sandbox/bad_keys {"limit": N}` sets another number); `unknown` costs
nothing; the vendor's own test addresses at example.com answer as their names say.

Belongs here: this vendor's paths, bodies and quirks. Does not: faults, billing, the log
(`account`), what is true of an address (`mailboxes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.faults import amounts
from bulk_lookup_dagster.sandbox.mailboxes import Mailbox, mailbox
from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import (
    PlainSimulator,
    Reply,
    json_object,
    json_reply,
    parameter,
    refused,
)

_BAD_KEY = {"error": "Invalid API Key or your account ran out of credits"}
_BLOCKED = b"<html><body><h1>Access denied</h1></body></html>"
_MAX_BATCH = 100
_TESTS: Mapping[str, tuple[str, str]] = {
    "valid@example.com": ("valid", ""),
    "invalid@example.com": ("invalid", "mailbox_not_found"),
    "catch_all@example.com": ("catch-all", ""),
    "spamtrap@example.com": ("spamtrap", ""),
    "abuse@example.com": ("abuse", ""),
    "donotmail@example.com": ("do_not_mail", "role_based"),
    "disposable@example.com": ("do_not_mail", "disposable"),
    "unknown@example.com": ("unknown", "mail_server_temporary_error"),
    "greylisted@example.com": ("unknown", "greylisted"),
}


class Zerobounce(PlainSimulator):
    """The vendor; any key but `wrong` is one of ours."""

    name = "zerobounce"
    prices: Mapping[str, int] = {"validate": 10_000}
    errors: Mapping[str, tuple[int, Any]] = {
        "unauthorised": (200, _BAD_KEY),
        "rate_limited": (429, {"error": "Too many requests"}),
        "rate_limited_bare": (429, {"error": "Too many requests"}),
    }

    def __init__(self) -> None:
        self.credits = 100_000
        self._bad_keys, self._limit = 0, 200

    def asked(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The first address of a batch stands for it."""
        emails = _emails(request)
        return (emails[0] if emails else request.path), ("validate",) * len(emails)

    def answer(self, request: Request) -> Reply:
        """Verdicts, credits, or a refusal in the vendor's words."""
        if self._bad_keys >= self._limit:
            return Reply(403, _BLOCKED, content_type="text/html", counted=False)
        key = _key(request)
        known = key not in ("", "wrong")
        if request.path == "/getcredits":
            return refused(200, {"Credits": str(self.credits) if known else "-1"})
        if not known:
            self._bad_keys += 1
            return refused(200, _BAD_KEY)
        match request.method, request.path:
            case ("GET", "/validate"):
                return self._billed(_emails(request), single=True)
            case ("POST", "/validatebatch"):
                return self._batch(request)
        return refused(404, {"error": "Not found"})

    def control(self, name: str, document: Any) -> bool:
        """`unblock`, `bad_keys`, `credits`: see above."""
        match name:
            case "unblock":
                self._bad_keys = 0
            case "bad_keys":
                self._limit = amounts(document)["limit"]
            case "credits":
                self.credits = amounts(document)["left"]
            case _:
                return False
        return True

    def _batch(self, request: Request) -> Reply:
        document = json_object(request.body)
        emails = _emails(request)
        if not isinstance(document.get("timeout", ""), str):
            return refused(200, {"email_batch": [], "errors": [_for_all(_BAD_KEY["error"])]})
        if not 0 < len(emails) <= _MAX_BATCH:
            return refused(400, {"error": "email_batch must hold 1 to 100 addresses"})
        return self._billed(emails, single=False)

    def _billed(self, emails: list[str], *, single: bool) -> Reply:
        verdicts = [_verdict(email) for email in emails]
        charged = [one["address"] for one in verdicts if one["status"] != "unknown"]
        if not emails or len(charged) > self.credits:
            return refused(200, _BAD_KEY)
        self.credits -= len(charged)
        body = verdicts[0] if single else {"email_batch": verdicts, "errors": []}
        return json_reply(body, billed=[(email, "validate") for email in charged])


def _for_all(error: str) -> dict[str, str]:
    return {"error": error, "email_address": "all"}


def _key(request: Request) -> str:
    if request.method == "GET":
        return parameter(request, "api_key")
    return str(_body(request).get("api_key") or "")


def _emails(request: Request) -> list[str]:
    if request.method == "GET":
        return parse_qs(request.query).get("email", [])
    batch = _body(request).get("email_batch")
    rows = batch if isinstance(batch, list) else []
    return [str(one.get("email_address")) for one in rows if isinstance(one, dict)]


def _body(request: Request) -> dict[str, Any]:
    try:
        return json_object(request.body)
    except InputError:
        return {}


def _verdict(email: str) -> dict[str, Any]:
    box = mailbox(email)
    status, sub_status = _TESTS.get(email) or _status(email, box)
    local, _, domain = email.rpartition("@")
    return {
        "address": email,
        "status": status,
        "sub_status": sub_status,
        "account": local,
        "domain": domain,
        "did_you_mean": None,
        "domain_age_days": str(box.domain_age_days),
        "active_in_days": None,
        "free_email": box.free,
        "mx_found": "true" if box.takes_mail else "false",
        "mx_record": f"mx.{domain}" if box.takes_mail else None,
        "smtp_provider": "example" if box.takes_mail else None,
        "firstname": None,
        "lastname": None,
        "gender": None,
        "country": None,
        "region": None,
        "city": None,
        "zipcode": None,
        "processed_at": "2026-11-01 00:00:00.000",
    }


def _status(email: str, box: Mailbox) -> tuple[str, str]:
    if "@" not in email:
        return "invalid", "failed_syntax_check"
    if box.disposable:
        return "do_not_mail", "disposable"
    if not box.takes_mail:
        return "invalid", "no_dns_entries"
    if box.silent:
        return "unknown", "mail_server_did_not_respond"
    if box.takes_all:
        return "catch-all", "role_based_catch_all" if box.role else ""
    if box.role:
        return "do_not_mail", "role_based"
    return ("valid", "") if box.exists else ("invalid", "mailbox_not_found")
