"""Who says when a request may go out, for clients that are also used outside the engine's runs.

A client takes a turn before each such request. How turns are shared between processes is the
giver's affair (`services.paced`).

Belongs here: the seam. Does not: rates and circuits (the engine), requests (one client file each).
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Turns(Protocol):
    """One provider's turns, taken one after the other."""

    async def check(self, endpoints: Collection[str]) -> None:
        """Raise `ProviderUnavailable` where one of these endpoints may not be asked now."""
        ...

    def turn(self, endpoint: str) -> AbstractAsyncContextManager[None]:
        """Wait until a request may go out; how the body ends is how the request ended."""
        ...
