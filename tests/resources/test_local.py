"""Local rules as a provider: labelled, free, and never more than they know."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.engine.provider import Answer, Question
from resources.local_client import LocalClient
from resources.local_records import CALLER_NAME_AGE, OPERATIONS
from tests.contracts.client_contract import question


def asked(*questions: Question) -> list[Answer]:
    async def run() -> list[Answer]:
        async with LocalClient() as client:
            return list((await client.ask(questions, uuid4())).answers)

    return asyncio.run(run())


def test_f34_a_guess_is_labelled_a_guess() -> None:
    (answer,) = asked(question("email_guess", "zoë|müller|acorn.example|"))
    columns = LocalClient().parse("email_guess", answer.body)
    assert (answer.outcome, answer.cost_micros) == ("data", 0)
    assert (columns["email"], columns["source"]) == ("zoe.muller@acorn.example", "guess")
    assert columns["form"] == "{first}.{last}"
    assert "zmuller@acorn.example" in columns["alternatives"]


@pytest.mark.parametrize("subject", ["明|李|acorn.example|", "ada|brook||acorn", "||||a@b.example"])
def test_f34_what_cannot_be_guessed_is_no_data(subject: str) -> None:
    (answer,) = asked(question("email_guess", subject))
    assert answer.outcome == "no_data"
    assert LocalClient().parse("email_guess", answer.body)["source"] is None


def test_a_company_by_its_caller_name_has_a_name_and_says_whence() -> None:
    known, none = asked(
        question("caller_name", "|acorn|89501|us", 1, caller_name="ACORN DENTAL"),
        question("caller_name", "|beacon|89501|us", 2, caller_name=" "),
    )
    assert LocalClient().parse("caller_name", known.body) == {
        "basis": "caller_name",
        "name": "ACORN DENTAL",
    }
    assert none.outcome == "no_data"


def test_a_caller_name_is_kept_thirty_days_in_all() -> None:
    keep = OPERATIONS["caller_name"].retention
    assert keep is not None
    assert keep + CALLER_NAME_AGE == timedelta(days=30)


def test_f27_a_part_that_is_no_object_is_a_bad_response() -> None:
    with pytest.raises(BadResponse):
        LocalClient().parse("email_guess", b"[]")
