"""Errors of Twilio's APIs: `{code, message, more_info, status}`, or RFC 9457's form.

Both carry the vendor's code under `code`; its message may repeat a number, so it is never told.

Belongs here: what Twilio's APIs share. Does not: which statuses one of them does not bill.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bulk_lookup_dagster.core.errors import ProviderError
from resources.http import Reply
from resources.wire_errors import status_error


def twilio_code(document: Any) -> str | None:
    """The vendor's code of an error, as text."""
    code = document.get("code") if isinstance(document, dict) else None
    return None if code is None else str(code)[:20]


def twilio_error(
    reply: Reply, document: Any, host: str, *, unbilled: Collection[int]
) -> ProviderError:
    """The error a reply stands for whose status is not the one that was hoped for."""
    return status_error(
        host,
        reply.status,
        vendor_code=twilio_code(document),
        wait=reply.headers.get("Retry-After"),
        unbilled=unbilled,
    )
