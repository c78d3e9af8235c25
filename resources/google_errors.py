"""Errors in the form of google.rpc: `{"error": {code, message, status, details}}`.

A wrong key is 400 INVALID_ARGUMENT with the reason API_KEY_INVALID, a used-up day 429 like a full
minute. Belongs here: what Google's newer APIs share. Does not: any API's answers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bulk_lookup_dagster.core.errors import AuthFailed, ProviderError, QuotaExceeded
from resources.http import Reply
from resources.vendor_client import json_body
from resources.wire_errors import status_error

UNBILLED_STATUSES = frozenset({400, 401, 403, 404, 429})
_AUTH = frozenset({"API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "SERVICE_DISABLED"})
_DAILY = "PerDay"


def google_error(
    reply: Reply, host: str, *, unbilled: Collection[int] = UNBILLED_STATUSES
) -> ProviderError:
    """The error a reply other than 200 stands for; the vendor's message is never repeated."""
    error = _error(json_body(reply))
    code = str(error.get("status") or "")[:60] or None
    reasons, limits = _details(error)
    if reply.status in unbilled and reasons & _AUTH:
        return AuthFailed(f"{host} refused the key.", status=reply.status, vendor_code=code)
    if reply.status == 429 and any(_DAILY in limit for limit in limits):
        return QuotaExceeded(
            f"{host} says that the day's quota is used up.", status=429, vendor_code=code
        )
    wait = reply.headers.get("Retry-After")
    return status_error(host, reply.status, vendor_code=code, wait=wait, unbilled=unbilled)


def is_not_found(reply: Reply) -> bool:
    """Whether Google says that there is no such thing; a page of somebody else's is no answer."""
    return reply.status == 404 and _error(json_body(reply)).get("status") == "NOT_FOUND"


def _error(document: Any) -> Mapping[str, Any]:
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _details(error: Mapping[str, Any]) -> tuple[set[str], list[str]]:
    """Reasons, and the quotas they name."""
    found = error.get("details")
    details = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    named = [one.get("metadata") for one in details]
    limits = [str(one.get("quota_limit")) for one in named if isinstance(one, dict)]
    return {str(one.get("reason")) for one in details}, limits
