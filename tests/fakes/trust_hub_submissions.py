"""Submissions to Trust Hub: complete ones, handing them in, what the sandbox's account then has.

Belongs here: what their tests share. Does not: reading the account (`tests.fakes.trust_hub`).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bulk_lookup_dagster.core.trust_hub_submission import Submission, read_submission
from bulk_lookup_dagster.sandbox.twilio_trust_hub_account import NEEDED
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.trust_hub_submissions import Submitted, submit_profile
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.trust_hub import VENDOR, account


@contextmanager
def undecided_sandbox() -> Iterator[SandboxProcess]:
    """A sandbox of one's own that reviews for longer than a test lasts."""
    with running_sandbox() as process:
        reviews = {"in_review_s": 1_000.0, "verdict_s": 2_000.0, "verdict": "twilio-approved"}
        process.control("PUT", f"reviews?vendor={VENDOR}", reviews)
        yield process


def business(name: str, **missing: str) -> Submission:
    """A complete submission; `missing` empties a field of a type."""
    return read_submission(document_of(name, **missing))


def document_of(name: str, **missing: str) -> bytes:
    """The same as the file it is read from."""
    entries = [
        {
            "type": kind,
            "attributes": {one: "x" for one in fields if missing.get(kind) != one},
        }
        for kind, fields in NEEDED.items()
    ]
    document = {
        "friendly_name": name,
        "email": "compliance@example.test",
        "end_users": entries[:2],
        "documents": entries[2:],
    }
    return json.dumps(document).encode()


def submit(platform: Platform, submission: Submission, **options: Any) -> Submitted:
    return asyncio.run(submit_profile(platform, submission, "test", **options))


def writes(sandbox: SandboxProcess) -> list[str]:
    entries = sandbox.control("GET", f"log?vendor={VENDOR}")["entries"]
    return [one["subject"] for one in entries if one["packages"] == ["write"]]


def made(sandbox: SandboxProcess, name: str) -> Counter[str]:
    """How many of each kind the account has that belong to a submission."""
    paths = ("CustomerProfiles", "EndUsers", "SupportingDocuments")
    named = [(path, one) for path in paths for one in account(sandbox, path)]
    return Counter(path for path, one in named if str(one["friendly_name"]).startswith(name))
