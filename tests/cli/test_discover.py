"""`bulk-lookup discover` as a person runs it: plan, approval, run, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.commands import Program, local_program
from tests.fakes.sandbox import running_sandbox

Connection = psycopg.Connection[Any]


@pytest.fixture
def program(postgres: EmbeddedServer, database: str, tmp_path: Path) -> Iterator[Program]:
    with running_sandbox() as sandbox:
        yield local_program(
            postgres,
            database,
            tmp_path / "home",
            sandbox.url,
            GOOGLE_PLACES_API_KEY="fake",
            GOOGLE_PLACES_BASE_URL=f"{sandbox.url}/google_places",
        )


def test_zipcodes_wait_for_approval_are_searched_once_and_bad_ones_refused(
    program: Program, tmp_path: Path
) -> None:
    more = tmp_path / "zipcodes.txt"
    more.write_text("85003\n\n2134\n")
    command = ("discover", "85002", "85002-1234", "nowhere", "--file", str(more))
    waiting = program(*command, code=3)
    assert (waiting["state"], waiting["due"], waiting["requests"]) == ("waiting_approval", 2, [])
    assert {one["reason"] for one in waiting["refused"]} == {
        *("named_twice", "not_a_zipcode", "lost_leading_zero")
    }
    assert program(*command, code=3)["plan_id"] == waiting["plan_id"], "not planned twice"

    program("approve", str(waiting["plan_id"]), "--cap-usd", "0.04")
    capped = program(*command, code=3)
    assert (capped["calls"], set(capped["left_due"])) == (1, {"cap_reached"})
    program("approve", str(waiting["plan_id"]))
    ran = program(*command)
    assert [row["state"] for row in ran["requests"]] == ["done", "done"]
    assert sum(row["cost_micros"] for row in ran["requests"]) == 35_000 * (ran["calls"] + 1)
    assert all(row["found"] >= row["new"] > 0 for row in ran["requests"])
    assert program(*command)["state"] == "nothing_due"


def test_an_approved_request_is_run_as_a_partition_too(program: Program) -> None:
    plan = program("discover", "85002", "--type", "dentist", "--limit", "20", code=3)["plan_id"]
    assert program("run", "--no-marts", code=3)["zipcodes"] == 0
    program("approve", str(plan))
    ran = program("run", "--no-marts")
    assert (ran["zipcodes"], ran["batches"], ran["paid_calls"], ran["failed"]) == (1, 0, 1, [])
    again = program("discover", "85002", "--type", "dentist", "--limit", "20")
    assert (again["state"], again["requests"][0]["business_type"]) == ("nothing_due", "dentist")


def test_ids_of_a_years_age_are_refreshed_by_hand(program: Program, conn: Connection) -> None:
    command = ("discover", "85002", "--type", "dentist", "--limit", "20")
    program("approve", str(program(*command, code=3)["plan_id"]))
    found = program(*command)["requests"][0]["found"]
    assert program("discover", "--refresh-ids")["due"] == 0
    conn.execute(
        "UPDATE enrichment.zipcode_business_ids SET checked_at = checked_at - interval '366 days'"
    )
    done = program("discover", "--refresh-ids")
    assert (done["due"], done["calls"], done["confirmed"], done["gone"]) == (*[found] * 3, 0)
    assert program("discover", "--refresh-ids")["calls"] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        *((), ("nowhere",), ("85002", "--type", "dentst"), ("--file", "no-such-file.txt")),
        ("85002", "--refresh-ids"),
    ],
)
def test_wrong_use_is_code_2_and_says_what_to_do(
    program: Program, arguments: tuple[str, ...]
) -> None:
    assert program("discover", *arguments, code=2)["error"]["fix"]
