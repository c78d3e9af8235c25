"""Our Trust Hub account in the sandbox, and a platform that is connected to it.

Belongs here: what tests of Trust Hub share. Does not: what must come of it (the tests).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import psycopg

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.privacy import subject_hmac
from bulk_lookup_dagster.core.subjects import CompanyKey
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.trust_hub import Reading, read_trust_hub
from bulk_lookup_dagster.storage.database import connect
from tests.fakes.sandbox import SandboxProcess

VENDOR = "twilio_trust_hub"


def connected_to(platform: Platform, sandbox: SandboxProcess) -> Platform:
    """The platform with Trust Hub at the sandbox, as fast as it goes."""
    sandbox.control("DELETE", "log")
    with connect(platform.dsn, autocommit=True) as conn:
        change_settings(conn, f"providers.{VENDOR}.requests_per_second", "null", "test")
    environ = {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(platform.environment.home),
        "TWILIO_TRUST_HUB_BASE_URL": f"{sandbox.url}/{VENDOR}",
    }
    return replace(platform, environment=read_environment(environ))


def read(platform: Platform, **options: Any) -> Reading:
    """Read the account."""
    return asyncio.run(read_trust_hub(platform, **options))


def slow_reviews(sandbox: SandboxProcess) -> None:
    """Submissions wait for `decide`: the clock brings no verdict within a test."""
    reviews = {"in_review_s": 0.0, "verdict_s": 3_600.0, "verdict": "twilio-approved"}
    sandbox.control("PUT", f"reviews?vendor={VENDOR}", reviews)


def decide(sandbox: SandboxProcess, sid: str, verdict: str) -> None:
    """End the review of a profile."""
    sandbox.control("PUT", f"verdict?vendor={VENDOR}", {"profile": sid, "verdict": verdict})


def account(sandbox: SandboxProcess, kind: str) -> list[dict[str, Any]]:
    """What the account has of a kind."""
    url = f"{sandbox.url}/{VENDOR}/v1/{kind}?PageSize=1000"
    found: list[dict[str, Any]] = httpx.get(url, auth=("ACfake", "fake")).json()["results"]
    return found


def add_company(conn: psycopg.Connection[Any], platform: Platform, key: CompanyKey) -> int:
    """A company that contacts could lead to."""
    digest = subject_hmac(platform.secret_key, "company", key.value)
    row = conn.execute(
        "INSERT INTO intake.subjects (kind, value, value_hmac) VALUES ('company', %s, %s)"
        " RETURNING subject_id",
        (key.value, digest),
    ).fetchall()[0]
    return int(row[0])
