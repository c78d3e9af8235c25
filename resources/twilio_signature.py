"""Who signed a message that claims to be Twilio's.

`X-Twilio-Signature` is base64(HMAC-SHA1(auth token, text)). The text of a form is the address and,
by name, each parameter's name and value, repeated values once; the text of any other body is the
address alone, whose `bodySHA256` names the body's digest. Twilio signs the address with or without
its default port, as it likes.

Belongs here: the signature. Does not: what a message says (the vendor's client).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit, urlunsplit

from bulk_lookup_dagster.core.errors import AuthFailed, BadResponse
from resources.http import FORM

_PORTS = {"http": 80, "https": 443}


def form_of(body: bytes) -> Mapping[str, list[str]]:
    """A form's values by name; raises `BadResponse` where the body is none."""
    try:
        text = body.decode("ascii")
        return parse_qs(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError:  # UnicodeDecodeError is one too
        raise BadResponse("A call-back of Twilio is no form.") from None


def signature(token: str, url: str, form: Mapping[str, list[str]]) -> str:
    """What Twilio writes into `X-Twilio-Signature`."""
    told = "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    digest = hmac.new(token.encode(), (url + told).encode(), "sha1").digest()
    return base64.b64encode(digest).decode()


def check_signature(token: str, headers: Mapping[str, str], body: bytes, url: str) -> None:
    """Raise `AuthFailed` unless the owner of `token` signed this body for this address.

    `headers` have lower-case names. Without a token nobody can have signed.
    """
    is_form = headers.get("content-type", "").partition(";")[0].strip().lower() == FORM
    form = form_of(body) if is_form else {}
    named = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
    intact = is_form or hmac.compare_digest(
        named.lower().encode(), hashlib.sha256(body).hexdigest().encode()
    )
    given = headers.get("x-twilio-signature", "").encode()
    known = [
        hmac.compare_digest(given, signature(token, one, form).encode()) for one in _spellings(url)
    ]
    if not (token and intact and any(known)):
        raise AuthFailed("The signature of a call-back is not Twilio's.")


def _spellings(url: str) -> tuple[str, ...]:
    """The address as it is, without its port, and with the port of its scheme."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    bare = urlunsplit(parts._replace(netloc=host))
    port = _PORTS.get(parts.scheme)
    return url, bare, urlunsplit(parts._replace(netloc=f"{host}:{port}"))
