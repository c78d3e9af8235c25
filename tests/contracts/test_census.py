"""The Census geocoder: the contract of all clients, and that the sandbox speaks as documented.

There is no machine-readable contract; what is held against the documentation is in tests/resources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import pytest

from bulk_lookup_dagster.core.errors import ConfigError, ProviderError, TransientFailure
from bulk_lookup_dagster.engine.provider import Question
from resources.census_client import CensusClient
from resources.http import Timeouts
from tests.contracts.client_contract import ClientContract, question

ADDRESSES = ("100 fern st||phoenix|az|85034|us", "7 elm ave|apt 2|austin|tx|78701|")
ROWS = (
    '"2","7 elm ave, austin, tx, 78701","Match","Non_Exact","7 ELM AVE, AUSTIN, TX, 78701",'
    '"-97.74,30.26","63900","L","48","453","001100","1034"',
    '"1","100 fern st, phoenix, az, 85034","Match","Exact","100 FERN ST, PHOENIX, AZ, 85034",'
    '"-112.07,33.44","12345","R","04","013","114200","2001"',
)


class TestBatch(ClientContract):
    good = "\n".join(ROWS).encode()
    told = ("fern st", "elm ave", "/geographies")
    # It is free, so a failure may be asked again.
    expected: ClassVar[Mapping[int, type[ProviderError]]] = {500: TransientFailure}

    def client(self, url: str, timeouts: Timeouts) -> CensusClient:
        return CensusClient(url, timeouts=timeouts)

    def questions(self) -> Sequence[Question]:
        return [question("geocode", one, number) for number, one in enumerate(ADDRESSES, 1)]

    def test_f27_every_part_may_be_of_the_wrong_type_or_missing(self) -> None:
        """CSV has no types: each field in turn is empty, wrong, or cut off."""
        refused = sum(self._refused("\n".join(rows).encode()) for rows in _mutations())
        assert refused, "nothing was noticed"


def _mutations() -> Iterator[Sequence[str]]:
    fields = ROWS[1].split('","')
    for place in range(len(fields)):
        for wrong in ("", "x", "999,999"):
            yield ROWS[0], '","'.join([*fields[:place], wrong, *fields[place + 1 :]])
        yield ROWS[0], '","'.join(fields[:place])


@pytest.mark.parametrize("size", [0, 10_001])
def test_more_than_10000_addresses_are_never_sent_at_once(size: int) -> None:
    with pytest.raises(ConfigError, match="10000"):
        CensusClient("http://127.0.0.1:9", batch_size=size)
    assert CensusClient("http://127.0.0.1:9").subjects_per_request == 10_000
