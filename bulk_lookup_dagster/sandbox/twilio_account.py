"""What all of Twilio's APIs share in the sandbox: who may ask, and how errors look.

Belongs here: Basic auth, `{code, message, more_info, status}`. Does not: any one API (its own
file).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import Reply, refused

_ERRORS: Mapping[str, tuple[int, int, str]] = {
    "unauthorised": (401, 20003, "Authenticate"),
    "forbidden": (403, 20403, "Forbidden"),
    "rate_limited": (429, 20429, "Too Many Requests"),
    "rate_limited_bare": (429, 20429, "Too Many Requests"),
    "unavailable": (503, 20503, "Service Unavailable"),
    "server_error": (500, 20500, "Internal Server Error"),
}


class TwilioAccount:
    """Base of Twilio's simulators; any AC… or SK… with a password but `wrong` is one of ours."""

    def __init__(self) -> None:
        self._known_auth: set[str] = set()

    def refusal(self, fault: str, retry_after_s: int) -> Reply | None:
        """Twilio's words for a fault."""
        if fault not in _ERRORS:
            return None
        told = twilio_error(*_ERRORS[fault])
        told.counted = True
        if fault == "rate_limited":
            told.headers = f"Retry-After: {retry_after_s}\r\n"
        return told

    def authorised(self, request: Request) -> bool:
        """Whether a request carries credentials we take."""
        value = request.header(b"authorization")
        if value in self._known_auth:
            return True
        try:
            user, _, password = base64.b64decode(value.removeprefix("Basic ")).partition(b":")
        except ValueError:
            return False
        known = value.startswith("Basic ") and user[:2] in (b"AC", b"SK") and bool(password)
        if known and password != b"wrong":
            self._known_auth.add(value)
            return True
        return False


def unauthorised() -> Reply:
    """The answer to wrong credentials."""
    return twilio_error(*_ERRORS["unauthorised"])


def not_found() -> Reply:
    """The answer to a path or resource that does not exist."""
    return twilio_error(404, 20404, "The requested resource was not found")


def twilio_error(status: int, code: int, message: str) -> Reply:
    """A refusal in Twilio's form."""
    info = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": info, "status": status}
    return refused(status, body)
