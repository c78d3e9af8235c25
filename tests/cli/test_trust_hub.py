"""`bulk-lookup trust-hub`: list, show and submit through the real program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulk_lookup_dagster.sandbox.twilio_trust_hub_account import NEEDED
from tests.fakes.commands import Program, local_program
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.trust_hub import VENDOR, account


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def program(postgres: Any, database: str, tmp_path: Path, sandbox: SandboxProcess) -> Program:
    address = {"TWILIO_TRUST_HUB_BASE_URL": f"{sandbox.url}/{VENDOR}"}
    return local_program(postgres, database, tmp_path / "home", sandbox.url, **address)


def submission(path: Path, **missing: str) -> str:
    users = [
        {"type": kind, "attributes": {one: "x" for one in fields if one != missing.get(kind)}}
        for kind, fields in NEEDED.items()
    ]
    document = {"friendly_name": "Typed Inc", "email": "a@b.example", "end_users": users}
    path.write_text(json.dumps(document))
    return str(path)


def test_list_show_and_submit(program: Program, sandbox: SandboxProcess, tmp_path: Path) -> None:
    program("settings", "set", f"providers.{VENDOR}.requests_per_second", "null")
    assert program("trust-hub", "list") == {"profiles": [], "stopped": {}}
    listed = program("trust-hub", "list", "--anew")["profiles"]
    customers = account(sandbox, "CustomerProfiles")
    assert len(listed) == len(customers) + len(account(sandbox, "TrustProducts"))
    rejected = next(one for one in listed if one["status"] == "twilio-rejected")
    shown = program("trust-hub", "show", rejected["sid"])
    assert shown == rejected
    assert shown["checks_failed"] == [
        "customer_profile_business_information.business_registration_number"
    ]
    approved = next(one for one in listed if one["trust_products"])
    assert (approved["score"], len(approved["registration_number"])) == (100, 9)
    assert program("trust-hub", "show", f"BU{9:032x}", code=2)["error"]["code"] == "invalid_input"

    file = tmp_path / "business.json"
    unsaid = program("trust-hub", "submit", submission(file), code=3)
    assert "--yes" in unsaid["error"]["fix"]
    assert len(account(sandbox, "CustomerProfiles")) == len(customers), "nothing was written"
    kind = "authorized_representative_1"
    wanting = submission(file, **{kind: "job_position"})
    failed = program("trust-hub", "submit", wanting, "--yes", code=2)["error"]
    assert failed["code"] == "evaluation_failed"
    assert f"{kind}.job_position" in failed["message"]
    done = program("trust-hub", "submit", submission(file), "--yes")
    assert done["new"]
    assert done["sid"] in failed["message"], "the same draft"
    assert program("trust-hub", "show", done["sid"])["business_name"] == "x"
