"""Tokens that vendors give for credentials: who asks for one, and who keeps it for all.

A client asks its `TokenSource` before each call and says with `stale` which token a vendor has just
refused. How tokens are shared between processes is the source's affair (`services.oauth_tokens`);
`MemoryTokens` shares them within one event loop and is what a client has of its own.

Belongs here: the seam, and retrying a refresh. Does not: any vendor's token endpoint (one client
file each), the database.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Protocol, runtime_checkable

from bulk_lookup_dagster.core.errors import ProviderError, UnknownOutcome

MARGIN = timedelta(seconds=60)
_TRIES = 3
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True, slots=True)
class Token:
    """What a vendor gave; `refresh` is a refresh token where its grant has one."""

    access: str = field(repr=False)
    expires_at: datetime
    refresh: str | None = field(default=None, repr=False)

    def usable(self, stale: str | None, now: datetime | None = None) -> bool:
        """Whether it outlives the margin and is not the one just refused."""
        return self.access != stale and self.expires_at - (now or datetime.now(UTC)) > MARGIN


# Given the token before, which may be expired; asks the vendor exactly once.
Fetch = Callable[[Token | None], Awaitable[Token]]


class TokenSource(Protocol):
    """Keeps tokens by key and has one refreshed at a time, whoever asks."""

    async def token(self, key: str, fetch: Fetch, *, stale: str | None = None) -> Token:
        """A usable token; raises the `ProviderError` of a refresh that failed."""
        ...


@runtime_checkable
class NeedsTokens(Protocol):
    """A client whose vendor wants a token."""

    def use_tokens(self, source: TokenSource) -> None:
        """Share tokens through `source`."""
        ...


class MemoryTokens:
    """Tokens of one event loop."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def token(self, key: str, fetch: Fetch, *, stale: str | None = None) -> Token:
        """The kept one, else one new for everybody who waits."""
        async with self._locks[key]:
            kept = self._tokens.get(key)
            if kept is None or not kept.usable(stale):
                kept = await refreshed(fetch, kept)
                self._tokens[key] = kept
            return kept


async def refreshed(fetch: Fetch, before: Token | None) -> Token:
    """A new token: passing faults are tried again; an unrotated refresh token stays.

    Nothing is bought by asking for a token, so a lost answer may be asked for again.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            token = await fetch(before)
        except ProviderError as error:
            if attempt == _TRIES or not (error.retryable or isinstance(error, UnknownOutcome)):
                raise
            told = error.retry_after.total_seconds() if error.retry_after else 0.0
            await asyncio.sleep(min(_LONGEST_PAUSE_S, max(told, _FIRST_PAUSE_S * attempt)))
        else:
            if token.refresh is None and before is not None:
                return replace(token, refresh=before.refresh)
            return token
    raise AssertionError("the last try returns or raises")


def token_key(vendor: str, kind: str, *credentials: str) -> str:
    """What a token is kept under: other credentials never meet a token that is not theirs."""
    digest = blake2b("\x00".join(credentials).encode(), digest_size=8).hexdigest()
    return f"{vendor}:{kind}:{digest}"
