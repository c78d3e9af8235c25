"""`bulk-lookup reverse-geocode` as a person runs it: plan, approval, run, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.commands import Program, local_program
from tests.fakes.sandbox import running_sandbox

PHOENIX = "33.4484,-112.0740"


@pytest.fixture
def program(postgres: EmbeddedServer, database: str, tmp_path: Path) -> Iterator[Program]:
    with running_sandbox("--faults", "none") as sandbox:
        yield local_program(
            postgres,
            database,
            tmp_path / "home",
            sandbox.url,
            GOOGLE_GEOCODING_API_KEY="fake",
            GOOGLE_GEOCODING_BASE_URL=f"{sandbox.url}/google_geocoding",
        )


def test_points_wait_for_approval_are_asked_once_and_bad_ones_refused_by_line(
    program: Program, tmp_path: Path
) -> None:
    more = tmp_path / "points.txt"
    more.write_text("latitude,longitude\n\n45.5152,-122.6784\n-122.6784,45.5152\n91,170\n")
    command = (
        "reverse-geocode",
        PHOENIX,
        "-33.8688,151.2093",
        "33.4484 -112.074",
        "--file",
        str(more),
    )
    waiting = program(*command, code=3)
    assert (waiting["state"], waiting["due"], waiting["points"]) == ("waiting_approval", 3, [])
    assert waiting["max_micros"] == 15_000
    refused = [(one["where"], one["reason"]) for one in waiting["refused"]]
    assert refused == [
        ("argument 3", "named_twice"),
        ("line 1", "not_a_point"),
        ("line 4", "swapped"),
        ("line 5", "latitude_beyond_90"),
    ]
    assert all(one["meaning"] for one in waiting["refused"])
    assert program(*command, code=3)["plan_id"] == waiting["plan_id"], "not planned twice"

    program("approve", str(waiting["plan_id"]), "--cap-usd", "0.01")
    capped = program(*command, code=3)
    assert (capped["calls"], capped["left_due"]) == (2, {"cap_reached": 1})
    program("approve", str(waiting["plan_id"]))
    ran = program(*command)
    assert (ran["calls"], ran["cost_micros"]) == (1, 5_000)
    assert [row["point"] for row in ran["points"]] == [
        "33.448400,-112.074000", "-33.868800,151.209300", "45.515200,-122.678400",
    ]  # fmt: skip
    assert ran["points"][1]["state"] == "nothing_there"
    again = program(*command)
    assert (again["state"], again["calls"], len(again["refused"])) == ("nothing_due", 0, 4)


def test_an_empty_file_is_refused_and_the_others_go_on(program: Program, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    told = program("reverse-geocode", PHOENIX, "--file", str(empty), code=3)
    assert told["due"] == 1
    assert [(one["where"], one["reason"]) for one in told["refused"]] == [("empty.txt", "empty")]


@pytest.mark.parametrize(
    "arguments",
    [(), ("nowhere",), ("-112.0740,33.4484",), ("--file", "no-such-file.txt"), ("--limit", "5")],
)
def test_wrong_use_is_code_2_and_says_what_to_do(
    program: Program, arguments: tuple[str, ...]
) -> None:
    assert program("reverse-geocode", *arguments, code=2)["error"]["fix"]
