"""People Data Labs: the contract of all clients. There is no file to hold it against."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from bulk_lookup_dagster.engine.provider import Question
from resources.http import Timeouts
from resources.pdl_client import PdlClient
from tests.contracts.client_contract import FAST, ClientContract, question
from tests.fakes.recorder import recording, response

_PERSON = "ada|brook|acorn-dental.example|"
_DATA = {
    "first_name": "Ada",
    "last_name": "Brook",
    "job_title": "Owner",
    "job_title_role": "executive",
    "job_title_levels": ["owner"],
    "job_company_name": "Acorn Dental",
    "job_company_website": "acorn-dental.example",
    "linkedin_url": "linkedin.com/in/ada-brook",
    "work_email": "ada.brook@acorn-dental.example",
}
_FIRM = {
    "status": 200,
    "likelihood": 8,
    "display_name": "Acorn Dental",
    "size": "11-50",
    "employee_count": 42,
    "inferred_revenue": "$1M-$10M",
    "location": {"street_address": "1 elm st", "locality": "reno", "country": "united states"},
    "website": "acorn-dental.example",
    "tags": ["dentists"],
}
_MATCH = json.dumps({"status": 200, "likelihood": 8, "data": _DATA}).encode()


class _Pdl(ClientContract):
    told = ("Ada", "Acorn", "acorn-dental", "/enrich")

    def client(self, url: str, timeouts: Timeouts) -> PdlClient:
        return PdlClient(url, self.secret, timeouts=timeouts)


class TestPerson(_Pdl):
    good = _MATCH

    def questions(self) -> Sequence[Question]:
        return [question("person", _PERSON)]


class TestPersonEmail(_Pdl):
    good = _MATCH

    def questions(self) -> Sequence[Question]:
        return [question("person_email", _PERSON)]


class TestCompany(_Pdl):
    good = json.dumps(_FIRM).encode()

    def questions(self) -> Sequence[Question]:
        return [question("company", "acorn-dental.example")]


@pytest.mark.parametrize(
    "asks,path,wanted",
    [
        (
            question("person", "ada|brook||acorn & co"),
            "/person/enrich",
            {"first_name": "ada", "last_name": "brook", "company": "acorn & co"},
        ),
        (
            question("person", "||||ada@acorn.example"),
            "/person/enrich",
            {"email": "ada@acorn.example"},
        ),
        (
            question("person_email", _PERSON),
            "/person/enrich",
            {"company": "acorn-dental.example", "required": "work_email"},
        ),
        (question("company", "acorn.example"), "/company/enrich", {"website": "acorn.example"}),
        (
            question("company", "|acorn dental|89501|us"),
            "/company/enrich",
            {"name": "acorn dental", "postal_code": "89501", "country": "us"},
        ),
    ],
)
def test_a_question_is_asked_with_what_its_subject_holds(
    asks: Question, path: str, wanted: Mapping[str, str]
) -> None:
    async def run() -> tuple[str, dict[str, str]]:
        body = json.dumps({**_FIRM, "data": _DATA}).encode()
        async with recording(response(200, body)) as vendor:
            async with PdlClient(vendor.url, "fake", timeouts=FAST) as client:
                await client.ask([asks], uuid4())
            (sent,) = vendor.requests
        assert "fake" not in sent.target
        return sent.target, sent.headers

    target, headers = asyncio.run(run())
    url = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert headers["X-Api-Key"] == "fake"
    assert url.path == path
    assert wanted.items() <= query.items()
    assert query["min_likelihood"] == "6"
    assert "linkedin_url" in query["data_include"].split(",")
