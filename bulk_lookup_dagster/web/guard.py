"""Who may do what in the web app, and the headers every answer carries.

Belongs here: the operator rule, CSRF, security headers. Does not: a log-in; put one in front.

Reading figures is open to whoever reaches the port. Personal data and every change need an
operator: the bearer token of BULK_LOOKUP_OPERATOR_TOKEN, or, in demo and local only, a browser on
this machine.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import Request

from bulk_lookup_dagster.core.errors import InputError

CSRF_COOKIE, CSRF_FIELD, TOKEN_FIELD = "bl_csrf", "csrf", "operator_token"
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")
_OPEN_ENVIRONMENTS = frozenset({"demo", "local"})


class NotAllowed(InputError):
    """The request lacks what this page needs."""

    code = "not_allowed"


class Guard:
    """Decides about requests; keeps only a digest of the operator's token."""

    def __init__(self, environment: str, token: str, secret_key: bytes) -> None:
        self._open = environment in _OPEN_ENVIRONMENTS
        self._digest = hashlib.sha256(token.encode()).digest() if token else None
        self._key = hmac.digest(secret_key, b"bulk-lookup csrf", "sha256")

    @property
    def takes_token(self) -> bool:
        """Whether an operator token is configured at all."""
        return self._digest is not None

    def is_operator(self, request: Request, token: str = "") -> bool:
        """Whether the request comes from an operator; `token` is one given in a form."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else token
        if given:
            return self._is_token(given)
        return self._open and is_local(request)

    def require_operator(self, request: Request, token: str = "") -> None:
        """Raise `NotAllowed` unless the request comes from an operator."""
        if not self.is_operator(request, token):
            raise NotAllowed(
                "This page is for operators.",
                fix="Send the token of BULK_LOOKUP_OPERATOR_TOKEN as `Authorization: Bearer …`, "
                "or use the `bulk-lookup` command.",
            )

    def new_csrf(self, request: Request) -> tuple[str, str]:
        """Cookie and form field that belong together; the cookie is kept while it lives."""
        cookie = request.cookies.get(CSRF_COOKIE) or secrets.token_urlsafe(24)
        return cookie, self._field(cookie)

    def require_csrf(self, request: Request, field: str) -> None:
        """Raise `NotAllowed` when another site could have made the browser send this form."""
        if request.headers.get("authorization"):
            return  # no browser attaches this header by itself
        cookie = request.cookies.get(CSRF_COOKIE, "")
        matches = hmac.compare_digest(self._field(cookie).encode(), field.encode())
        if not cookie or not matches or not _same_site(request):
            raise NotAllowed(
                "The form is not from this page, or it is too old.",
                fix="Reload the page and send the form again.",
                code="csrf",
            )

    def _field(self, cookie: str) -> str:
        return hmac.new(self._key, cookie.encode(), hashlib.sha256).hexdigest()

    def _is_token(self, given: str) -> bool:
        digest = hashlib.sha256(given.encode()).digest()
        return self._digest is not None and hmac.compare_digest(self._digest, digest)


def is_local(request: Request) -> bool:
    """A client on this machine, under this machine's name, with no proxy in between."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    host = request.url.hostname or ""
    client = request.client.host if request.client else ""
    return _is_loopback(client) and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _same_site(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
