"""What an operator does on an ordinary day, through the real program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from resources.registry import REMOTE
from tests.fakes.commands import Program, local_program
from tests.fakes.sandbox import SandboxProcess, running_sandbox


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def program(
    postgres: EmbeddedServer, database: str, tmp_path: Path, sandbox: SandboxProcess
) -> Program:
    return local_program(postgres, database, tmp_path / "home", sandbox.url)


def uploaded(program: Program, folder: Path, rows: int = 12) -> str:
    """An approved upload's id."""
    leads = folder / "leads.csv"
    leads.write_text("phone\n" + "\n".join(f"+1415555{26 * 100 + n}" for n in range(rows)))
    upload = str(program("upload", str(leads))["upload_id"])
    program("approve", str(program("plan", upload)["plan_id"]), "--cap-usd", "5")
    return upload


def arrived(sandbox: SandboxProcess) -> int:
    return int(sandbox.control("GET", "summary")["requests"])


def test_f12_a_paused_provider_is_asked_nothing_until_it_is_resumed(
    program: Program, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    uploaded(program, tmp_path)
    program("pause", "twilio_lookup", "--reason", "the invoice looks odd")
    waiting = program("run", "--no-marts", code=3)
    assert waiting["paid_calls"] == arrived(sandbox) == 0
    (words,) = waiting["waiting"]
    assert "the invoice looks odd" in words
    assert words.endswith("bulk-lookup resume twilio_lookup")
    assert "the invoice looks odd" in str(program("status"))

    program("resume", "twilio_lookup")
    done = program("run", "--no-marts")
    assert done["paid_calls"] == arrived(sandbox) == 12
    assert program("pause", "nobody", code=2)["error"]["fix"]


def test_the_doctor_asks_vendors_for_nothing_and_says_who_cannot_be_asked(
    postgres: EmbeddedServer, database: str, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    addresses = {one.base_url_variable: f"{sandbox.url}/{one.name}" for one in REMOTE}
    program = local_program(postgres, database, tmp_path / "home", sandbox.url, **addresses)
    looked = program("doctor", "--providers")
    levels = {one["name"]: one["level"] for one in looked["findings"]}
    assert (levels["twilio_lookup"], levels["census"]) == ("ok", "ok")
    assert "trestle" in looked["disabled"]
    assert (looked["spent_micros"], sandbox.control("GET", "summary")["billed"]) == (0, 0)
    assert "--providers" in program("doctor", "--spend", "1", code=2)["error"]["fix"]
    refused = program("doctor", "--providers", "--spend", "lots", code=2)
    assert "money" in refused["error"]["message"]


def test_f02_a_refresh_buys_again_once_it_is_approved_and_only_what_it_names(
    program: Program, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    upload = uploaded(program, tmp_path)
    program("run", "--no-marts")
    bought = arrived(sandbox)
    plan = program("refresh", upload, "--package", "caller_name", code=3)
    assert program("run", "--no-marts", code=3)["paid_calls"] == 0
    assert arrived(sandbox) == bought

    program("approve", str(plan["plan_id"]), "--cap-usd", "5")
    again = program("run", "--no-marts")
    assert again["paid_calls"] == arrived(sandbox) - bought > 0
    packages = {tuple(entry["packages"]) for entry in entries(sandbox)[bought:]}
    assert packages == {("caller_name",)}
    assert program("run", "--no-marts")["paid_calls"] == 0
    assert program("refresh", upload, "--package", "astrology", code=2)["error"]["fix"]


def test_f13_unknown_outcomes_are_listed_asked_again_or_written_off(
    program: Program, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    uploaded(program, tmp_path, rows=40)
    sandbox.control("PUT", "faults", {"rates": {"drop_after": 0.1}, "clean_after": 2})
    # A tenth unknown is more than the batch's check lets pass.
    assert len(program("run", "--no-marts", code=1)["failed"]) == 1
    held = program("unknowns", "list")["unknowns"]
    assert len(held) >= 3
    assert program("run", "--no-marts", code=1)["paid_calls"] == 0

    first, *others = [str(claim["claim_id"]) for claim in held]
    program("unknowns", "write-off", first)
    assert len(program("unknowns", "list")["unknowns"]) == len(others)
    program("unknowns", "ask-again", *others)
    program("run", "--no-marts")
    assert program("unknowns", "list")["unknowns"] == []
    assert program("unknowns", "ask-again", "424242", code=2)["error"]["fix"]


def test_housekeeping_by_hand_is_the_daily_job(program: Program) -> None:
    done = program("housekeeping")
    assert done["failed"] == []
    assert done["dagster_run_id"]


def test_replay_asks_nobody_and_changes_nothing(
    program: Program, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    upload = uploaded(program, tmp_path)
    program("run", "--no-marts")
    bought, before = arrived(sandbox), exported(program, upload)
    assert program("replay")["rebuilt"] == 2 * bought
    assert arrived(sandbox) == bought
    assert exported(program, upload) == before


def entries(sandbox: SandboxProcess) -> list[Any]:
    """What arrived at the vendor, in order."""
    found: list[Any] = sandbox.control("GET", "log")["entries"]
    return found


def exported(program: Program, upload: str) -> str:
    return Path(program("export", upload, "--format", "csv")["file"]).read_text()
