"""US Census geocoder over HTTP: one client, no Dagster.

`POST /geographies/addressbatch` takes a CSV file of up to 10,000 addresses as multipart form data
and answers in CSV, in any order and some minutes later. Public, free, without a key. An address it
leaves out of its answer was not looked up: it is asked again, never "no data".

Belongs here: URL, request shape, this vendor's errors. Does not: reading and writing the CSV (see
`census_records`), retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import orjson

from bulk_lookup_dagster.core.errors import BadResponse, ConfigError, TransientFailure
from bulk_lookup_dagster.core.vendor_settings import CensusSettings
from bulk_lookup_dagster.engine.provider import Answer, Exchange, OutcomeKind, Question
from resources.census_records import (
    MAX_ADDRESSES,
    OPERATIONS,
    PRICES,
    PROVIDER,
    Part,
    batch_file,
    parse_geocode,
    read_batch,
)
from resources.http import Reply, Timeouts
from resources.multipart import File, multipart
from resources.vendor import Health, Vendor
from resources.vendor_client import VendorClient, json_body, timeouts_of
from resources.wire_errors import status_error

DEFAULT_BASE_URL = "https://geocoding.geo.census.gov/geocoder"
BENCHMARK = "Public_AR_Current"
# The FCC's broadband files are by 2020 blocks; the current vintage has other ones.
VINTAGE = "Census2020_Current"
_FREE = frozenset(range(400, 600))
_MAX_BODY = 16 * 1024 * 1024


class CensusClient(VendorClient):
    """Up to `batch_size` addresses per request, at most the geocoder's own 10,000."""

    name = PROVIDER
    operations = OPERATIONS
    parsers = {"geocode": parse_geocode}  # noqa: RUF012 - declared a ClassVar by the base

    def __init__(
        self,
        base_url: str,
        *,
        batch_size: int = MAX_ADDRESSES,
        concurrency: int = 2,
        timeouts: Timeouts | None = None,
    ) -> None:
        if not 1 <= batch_size <= MAX_ADDRESSES:
            raise ConfigError(
                f"The Census geocoder takes 1 to {MAX_ADDRESSES} addresses at once.",
                fix="Set providers.census.batch_size within these bounds.",
            )
        super().__init__(
            base_url,
            {},
            concurrency=concurrency,
            timeouts=timeouts or Timeouts(),
            max_body=_MAX_BODY,
        )
        self._batch_size = batch_size

    @property
    def subjects_per_request(self) -> int:
        """Addresses in one file."""
        return self._batch_size

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Geocode a file of addresses."""
        addresses = batch_file((one.claim_id, one.subject) for one in questions)
        body, content_type = multipart(
            {"benchmark": BENCHMARK, "vintage": VINTAGE},
            {"addressFile": File("addresses.csv", "text/csv", addresses)},
        )
        reply = await self._transport.post(
            "/geographies/addressbatch", body, request_id, content_type
        )
        found = _rows(reply, self._transport.host)
        if not any(str(one.claim_id) in found for one in questions):
            raise BadResponse(
                f"{self._transport.host} answered about no address that was asked.", status=200
            )
        answers = [_answer(one, found.get(str(one.claim_id))) for one in questions]
        return Exchange(reply.status, len(reply.body), answers)

    async def check(self) -> Health:
        """Whether the benchmark in use is still offered."""
        reply = await self._transport.get("/benchmarks", uuid4())
        if reply.status != 200:
            raise status_error(self._transport.host, reply.status, unbilled=_FREE)
        document = json_body(reply)
        offered = document.get("benchmarks") if isinstance(document, dict) else None
        if not isinstance(offered, list):
            raise BadResponse(f"{self._transport.host} listed no benchmarks.", status=reply.status)
        names = [one.get("benchmarkName") for one in offered if isinstance(one, dict)]
        if BENCHMARK not in names:
            raise BadResponse(f"{self._transport.host} no longer offers {BENCHMARK}.")
        return Health(f"no key is needed; {BENCHMARK} is offered")


def _rows(reply: Reply, host: str) -> dict[str, Part]:
    """The rows of a 200, or the error that any other reply stands for."""
    if reply.status != 200:
        wait = reply.headers.get("Retry-After")
        raise status_error(host, reply.status, wait=wait, unbilled=_FREE)
    try:
        text = reply.body.decode()
    except UnicodeDecodeError:
        raise BadResponse(f"{host} answered with no text.", status=reply.status) from None
    return read_batch(text)


def _answer(question: Question, part: Part | None) -> Answer:
    if part is None:
        missing = TransientFailure("US Census left an address of the file out.", unbilled=True)
        return Answer(question.claim_id, None, 0, b"", missing)
    outcome: OutcomeKind = "data" if part["match"] == "Match" else "no_data"
    return Answer(question.claim_id, outcome, 0, orjson.dumps(part))


def build(_credentials: Mapping[str, str], base_url: str, settings: CensusSettings) -> CensusClient:
    """The client as the settings make it."""
    return CensusClient(
        base_url or DEFAULT_BASE_URL,
        batch_size=settings.batch_size,
        concurrency=settings.concurrency,
        timeouts=timeouts_of(settings),
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="US Census geocoder",
    version=f"{BENCHMARK}, {VINTAGE}",
    variables={},
    credential_sets=((),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="CENSUS_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Nothing to sign up for: the service is public.",
    docs="https://geocoding.geo.census.gov/geocoder/Geocoding_Services_API.html",
    free_check="the list of benchmarks",
)
