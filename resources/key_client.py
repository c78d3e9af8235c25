"""What clients of vendors that know us by one key share: where it is sent, how they are made.

Belongs here: that. Does not: vendors with several credentials, or with a key in the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from bulk_lookup_dagster.core.vendor_settings import VendorSettings
from resources.http import Timeouts
from resources.vendor_client import VendorClient, timeouts_of


class KeyClient(VendorClient):
    """Base of the clients; a subclass says where its vendor is and which header has the key."""

    default_base_url: ClassVar[str]
    key_header: ClassVar[str]
    key_prefix: ClassVar[str] = ""
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        concurrency: int = 20,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(
            base_url,
            {self.key_header: f"{self.key_prefix}{api_key}", **self.headers},
            concurrency=concurrency,
            timeouts=timeouts or Timeouts(),
        )

    @classmethod
    def built(cls, credentials: Mapping[str, str], base_url: str, settings: VendorSettings) -> Self:
        """The client as the settings and the key make it."""
        return cls(
            base_url or cls.default_base_url,
            credentials["api_key"],
            concurrency=settings.concurrency,
            timeouts=timeouts_of(settings),
        )
