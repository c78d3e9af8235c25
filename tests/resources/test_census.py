"""The Census geocoder's file and its strange CSV, and what becomes of them."""

from __future__ import annotations

import asyncio
import csv
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.errors import BadResponse, PermanentFailure, TransientFailure
from bulk_lookup_dagster.core.subjects import AddressKey, tidy
from bulk_lookup_dagster.engine.provider import Exchange
from bulk_lookup_dagster.sandbox.forms import multipart_fields
from bulk_lookup_dagster.sandbox.server import Request
from resources.census_client import CensusClient
from resources.census_records import batch_file, parse_geocode, read_batch
from resources.multipart import multipart
from tests.contracts.client_contract import FAST, question
from tests.fakes.recorder import Sent, recording, response

SUBJECT = '1 "q" st, rear|apt 2|reno|nv|89501-1234|us'
MATCH = (
    '"1","1 q st, reno, nv, 89501","Match","Exact","1 Q ST, RENO, NV, 89501",'
    '"-119.8,39.5","639","L","32","031","000101","1034"\n'
)


def asked(body: bytes, status: int = 200, count: int = 1) -> tuple[Exchange, Sent]:
    async def run() -> tuple[Exchange, Sent]:
        async with recording(response(status, body)) as vendor:
            async with CensusClient(vendor.url, timeouts=FAST) as client:
                questions = [question("geocode", SUBJECT, n) for n in range(1, count + 1)]
                exchange = await client.ask(questions, uuid4())
            return exchange, vendor.requests[0]

    return asyncio.run(run())


def test_the_file_has_five_fields_without_unit_and_plus_four() -> None:
    _, sent = asked(MATCH.encode())
    assert (sent.method, sent.target) == ("POST", "/geographies/addressbatch")
    head = f"POST / HTTP/1.1\r\nContent-Type: {sent.headers['Content-Type']}\r\n".encode()
    fields = multipart_fields(Request("POST", "/", "", head, sent.body))
    assert fields.keys() == {"benchmark", "vintage", "addressFile"}
    assert fields["vintage"] == b"Census2020_Current", "the FCC's blocks are those of 2020"
    rows = list(csv.reader(StringIO(fields["addressFile"].decode())))
    assert rows == [["1", '1 "q" st, rear', "reno", "nv", "89501"]]


def test_a_match_is_a_point_and_a_block() -> None:
    (answer,) = asked(MATCH.encode())[0].answers
    assert (answer.outcome, answer.cost_micros) == ("data", 0)
    part = read_batch(MATCH)["1"]
    assert parse_geocode(part) == {
        "latitude": 39.5,
        "longitude": -119.8,
        "accuracy": "interpolated",
        "partial_match": False,
        "census_block": "320310001011034",
        "matched_address": "1 Q ST, RENO, NV, 89501",
        "confidence": 85,
    }


def test_a_match_that_is_not_exact_is_partial_and_less_sure() -> None:
    part = read_batch(MATCH.replace("Exact", "Non_Exact"))["1"]
    columns = parse_geocode(part)
    assert (columns["partial_match"], columns["confidence"]) == (True, 60)


@pytest.mark.parametrize("word", ["No_Match", "Tie"])
def test_no_match_and_a_tie_are_no_data(word: str) -> None:
    (answer,) = asked(f'"1","1 q st","{word}"\n'.encode())[0].answers
    assert answer.outcome == "no_data"
    assert parse_geocode({"match": word}) == {}


def test_f32_an_address_left_out_is_asked_again_and_never_no_data() -> None:
    first, second = asked(MATCH.encode(), count=2)[0].answers
    assert first.outcome == "data"
    assert second.outcome is None
    assert isinstance(second.failure, TransientFailure)
    assert second.failure.unbilled


@pytest.mark.parametrize(
    "row",
    [
        '"1","a","Perhaps"',
        '"1","a"',
        MATCH.replace("-119.8,39.5", "x"),
        MATCH.replace('"1","1', '"1"x,"1'),
    ],
)
def test_f26_a_row_that_says_neither_is_a_bad_response(row: str) -> None:
    with pytest.raises(BadResponse):
        read_batch(row)


@pytest.mark.parametrize(
    "wrong", [{"block": "12"}, {"latitude": None}, {"latitude": 91.0}, {"block": "x" * 15}]
)
def test_f27_a_part_out_of_bounds_is_a_bad_response(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadResponse):
        parse_geocode({**read_batch(MATCH)["1"], **wrong})


def test_a_refused_file_is_permanent_and_free() -> None:
    with pytest.raises(PermanentFailure) as refused:
        asked(b'{"errors": ["no such benchmark"]}', 400)
    assert refused.value.unbilled
    assert "benchmark" not in str(refused.value)


@given(st.lists(st.text(max_size=40), min_size=4, max_size=4))
def test_whatever_an_address_holds_its_row_keeps_five_fields(parts: list[str]) -> None:
    street, city, state, postal_code = parts
    subject = AddressKey(street, "", city, state, postal_code, "").value
    rows = list(csv.reader(StringIO(batch_file([(7, subject)]).decode(), newline="")))
    assert rows == [["7", tidy(street), tidy(city), tidy(state), tidy(postal_code)[:5]]]


def test_a_form_keeps_what_is_put_into_it() -> None:
    body, content_type = multipart({"a": "1", "b": "x\r\n--y"}, {})
    head = f"POST / HTTP/1.1\r\nContent-Type: {content_type}\r\n".encode()
    fields = multipart_fields(Request("POST", "/", "", head, body))
    assert fields == {"a": b"1", "b": b"x\r\n--y"}
