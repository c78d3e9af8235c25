"""The real program from upload to export: one JSON document each, and every exit code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.commands import Program, local_program
from tests.fakes.sandbox import running_sandbox


@pytest.fixture
def program(postgres: EmbeddedServer, database: str, tmp_path: Path) -> Iterator[Program]:
    with running_sandbox() as sandbox:
        yield local_program(postgres, database, tmp_path / "home", sandbox.url)


def test_a_file_is_uploaded_planned_approved_run_and_exported(
    program: Program, tmp_path: Path
) -> None:
    leads = tmp_path / "leads.csv"
    numbers = "\n".join(f"+141555526{n:02d},Firm {n}" for n in range(30))
    leads.write_text(f"phone,company\n{numbers}\nnot a number,Nobody\n")

    upload = program("upload", str(leads))["upload_id"]
    assert len(program("rejects", str(upload))["rejects"]) == 1
    waiting = program("run", "--no-marts", code=3)
    assert waiting["paid_calls"] == 0
    assert waiting["waiting"]

    plan = program("plan", str(upload))
    assert plan["due"] == 60
    program("approve", str(plan["plan_id"]), "--cap-usd", "0.10")
    capped = program.installed("run", "--no-marts", code=3)
    assert 0 < capped["paid_calls"] < 30
    assert float(capped["cost_usd"]) <= 0.10

    program("approve", str(plan["plan_id"]), "--cap-usd", "1")
    finished = program("run", "--no-marts")
    assert capped["paid_calls"] + finished["paid_calls"] <= 31
    assert program("run", "--no-marts")["paid_calls"] == 0
    assert program("plan", str(upload))["due"] == 0
    assert program("status")["claims"]["twilio_lookup"]["answered"] >= 55

    exported = program("export", str(upload), "--format", "tsv")
    assert exported["rows"] == 30
    program("settings", "set", "exports.saved.sure", '["line_type=mobile"]')
    part = ("export", str(upload), "--saved", "sure", "--columns", "phone,line_type")
    sure = program(*part)["rows"]
    assert 0 < sure < 30
    assert program(*part, "--where", "line_type!=", "--limit", "3")["rows"] == 3
    assert program("export", "--all", "--saved", "sure")["rows"] == sure
    for wrong in ((str(upload), "--where", "salary=1"), (), (str(upload), "--all")):
        assert program("export", *wrong, code=2)["error"]["fix"]
    program("settings", "set", "providers.twilio_lookup.concurrency", "5")
    assert program("settings", "show")["providers"]["twilio_lookup"]["concurrency"] == 5
    assert len(program("settings", "history")["history"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [("plan", "99"), ("approve", "99"), ("upload", "no-such-file.csv"), ("rejects", "99")],
)
def test_wrong_use_is_code_2_and_one_document_that_says_what_to_do(
    program: Program, arguments: tuple[str, ...]
) -> None:
    error = program.installed(*arguments, code=2)["error"]
    assert error["message"]
    assert error["fix"]
