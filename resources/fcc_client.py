"""The FCC's Broadband Data Collection over HTTP: one client, no Dagster.

Lists come in an envelope `{data, status, status_code, message, result_count}` whose own status is
looked at too; files are zips. User name and token go into headers. Ten calls a minute and account.

Belongs here: URLs, the envelope, this vendor's errors. Does not: parsing (see `fcc_records`),
importing (`services.fcc_import`), the pace (its caller's limiter).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from bulk_lookup_dagster.core.errors import BadResponse, ConfigError
from bulk_lookup_dagster.core.vendor_settings import FccSettings
from bulk_lookup_dagster.engine.provider import Exchange, Question
from resources.fcc_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    StateFile,
    read_dates,
    read_files,
)
from resources.http import Reply, Timeouts
from resources.vendor import Health, Vendor
from resources.vendor_client import VendorClient, json_body, timeouts_of
from resources.wire_errors import status_error

DEFAULT_BASE_URL = "https://bdc.fcc.gov"
MAX_FILE_BYTES = 2 * 1024**3
_FREE = frozenset(range(400, 600))
_MAX_LIST = 8 * 1024 * 1024


class FccClient(VendorClient):
    """Lists and files; nothing is asked about subjects."""

    name = PROVIDER
    operations = OPERATIONS
    parsers = {}  # noqa: RUF012 - declared a ClassVar by the base

    def __init__(
        self,
        base_url: str,
        username: str,
        hash_value: str,
        *,
        concurrency: int = 1,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(
            base_url,
            {"username": username, "hash_value": hash_value},
            concurrency=concurrency,
            timeouts=timeouts or Timeouts(),
            max_body=_MAX_LIST,
        )

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Refused: there is no look-up by subject."""
        raise ConfigError(
            "The FCC cannot be asked about subjects.",
            fix="Import a state's files: bulk-lookup coverage STATE.",
        )

    async def releases(self) -> list[date]:
        """The days availability was released for, oldest first."""
        return read_dates(await self._list("/api/public/map/listAsOfDates"))

    async def files(self, as_of: date, state_fips: str) -> list[StateFile]:
        """A state's fixed broadband files of a release."""
        query = "category=State&technology_type=Fixed%20Broadband"
        path = f"/api/public/map/downloads/listAvailabilityData/{as_of.isoformat()}?{query}"
        return read_files(await self._list(path), state_fips)

    async def download(self, file: StateFile, path: Path) -> None:
        """Fetch a file's zip; it is there whole or not at all."""
        target = f"/api/public/map/downloads/downloadFile/availability/{file.file_id}"
        reply = await self._transport.download(target, path, uuid4(), max_bytes=MAX_FILE_BYTES)
        if reply.status != 200:
            raise self._error(reply)

    async def check(self) -> Health:
        """The newest release."""
        releases = await self.releases()
        newest = releases[-1].isoformat() if releases else "none"
        return Health(f"the credentials are accepted; newest release {newest}")

    async def _list(self, target: str) -> list[Mapping[str, Any]]:
        reply = await self._transport.get(target, uuid4())
        if reply.status != 200:
            raise self._error(reply)
        document = json_body(reply)
        data = document.get("data") if isinstance(document, dict) else None
        status = document.get("status_code", 200) if isinstance(document, dict) else None
        if isinstance(status, int) and status >= 400:
            raise status_error(self._transport.host, status, unbilled=_FREE)
        if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
            raise BadResponse(f"{self._transport.host} answered without a list.", status=200)
        return data

    def _error(self, reply: Reply) -> Exception:
        wait = reply.headers.get("Retry-After")
        return status_error(self._transport.host, reply.status, wait=wait, unbilled=_FREE)


def build(credentials: Mapping[str, str], base_url: str, settings: FccSettings) -> FccClient:
    """The client as the settings and the credentials make it."""
    return FccClient(
        base_url or DEFAULT_BASE_URL,
        credentials["username"],
        credentials["hash_value"],
        concurrency=settings.concurrency,
        timeouts=timeouts_of(settings),
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="FCC Broadband Data Collection",
    version="rev 1.7",
    variables={"username": "FCC_USERNAME", "hash_value": "FCC_HASH_VALUE"},
    credential_sets=(("username", "hash_value"),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="FCC_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Register at the FCC for a user name and an API token; both are free.",
    docs="https://www.fcc.gov/sites/default/files/bdc-public-data-api-spec.pdf",
    free_check="the list of releases",
)
