"""One Twilio account, whichever of its APIs is asked: credentials, and how a client is made.

Belongs here: what Twilio's vendors share. Does not: any one API (its own file), errors
(`twilio_errors`), the Dagster fields (`twilio_resource`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from bulk_lookup_dagster.core.vendor_settings import VendorSettings
from resources.http import Timeouts, basic_auth
from resources.vendor_client import VendorClient, timeouts_of

ACCOUNT = "Twilio"
VARIABLES: Mapping[str, str] = {
    "api_key": "TWILIO_API_KEY",
    "api_secret": "TWILIO_API_SECRET",
    "account_sid": "TWILIO_ACCOUNT_SID",
    "auth_token": "TWILIO_AUTH_TOKEN",
}
CREDENTIAL_SETS = (("api_key", "api_secret"), ("account_sid", "auth_token"))


class TwilioClient(VendorClient):
    """Base of the clients; `auth` is (API key SID, secret) or (account SID, token)."""

    def __init__(
        self,
        base_url: str,
        auth: tuple[str, str],
        *,
        concurrency: int = 20,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(
            base_url,
            {"Authorization": basic_auth(*auth)},
            concurrency=concurrency,
            timeouts=timeouts or Timeouts(),
        )


C = TypeVar("C", bound=TwilioClient)


def client_of(
    kind: type[C],
    credentials: Mapping[str, str],
    base_url: str,
    settings: VendorSettings,
    **options: Any,
) -> C:
    """A client of an API key and its secret, else of an account SID and its token."""
    user, password = next(
        tuple(credentials[name] for name in names)
        for names in CREDENTIAL_SETS
        if credentials.keys() >= set(names)
    )
    return kind(
        base_url,
        (user, password),
        concurrency=settings.concurrency,
        timeouts=timeouts_of(settings),
        **options,
    )
