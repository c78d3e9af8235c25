"""Statuses that mean the same at most vendors, turned into the error tree.

A vendor's file looks at its own body codes first and falls back to this. Belongs here: the common
reading of a status and of Retry-After. Does not: a vendor's exceptions from it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    PermanentFailure,
    ProviderError,
    RateLimited,
    TransientFailure,
    UnknownOutcome,
)

MAX_RETRY_AFTER = timedelta(days=1)


def retry_after(value: str | None, now: datetime | None = None) -> timedelta | None:
    """A Retry-After header, in seconds or as an HTTP date, at most a day; None if unreadable."""
    if not value:
        return None
    try:
        if value.strip().isdigit():
            pause = timedelta(seconds=min(int(value), int(MAX_RETRY_AFTER.total_seconds())))
        else:
            at = parsedate_to_datetime(value)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            pause = at - (now or datetime.now(UTC))
    except (ValueError, OverflowError):
        return None
    return max(timedelta(0), min(MAX_RETRY_AFTER, pause))


def status_error(
    host: str,
    status: int,
    *,
    vendor_code: str | None = None,
    wait: str | None = None,
    unbilled: Collection[int] = (),
) -> ProviderError:
    """The error a status other than 2xx stands for.

    `unbilled` are the statuses this vendor is documented not to charge. A 5xx outside it may have
    been processed, so it is an unknown outcome and never asked again blindly.
    """
    free = True if status in unbilled else None
    pause = retry_after(wait)
    kind: type[ProviderError]
    if status in (401, 403):
        kind, what = AuthFailed, "refused the credentials"
    elif status == 429:
        kind, what = RateLimited, "asked for fewer requests"
    elif status >= 500:
        kind = TransientFailure if free else UnknownOutcome
        what = f"failed with status {status}"
    elif 400 <= status < 500:
        kind, what = PermanentFailure, f"refused the request with status {status}"
    else:
        kind, what = BadResponse, f"answered with unexpected status {status}"
    return kind(
        f"{host} {what}.",
        status=status,
        vendor_code=vendor_code,
        retry_after=pause,
        unbilled=free,
    )
