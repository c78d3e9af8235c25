"""A platform whose vendors are all played by one sandbox, with every step of a batch switched on.

Belongs here: what tests of plans and runs over many steps share. Does not: the sandbox itself
(`tests.fakes.sandbox`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.core.variables import VARIABLES
from bulk_lookup_dagster.services.approvals import approve_plan
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import Plan, make_plan
from bulk_lookup_dagster.services.settings import change_settings, load_settings
from bulk_lookup_dagster.services.simulation import sandbox_addresses
from bulk_lookup_dagster.services.uploads import UploadReport, load_upload
from tests.fakes.sandbox import SandboxProcess
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]

PHONE_STEPS = ("phone_lookups", "phone_validations", "line_statuses", "reverse_phones")
QUIET = "2"
"""Seconds a run waits for circuits and retries."""


def sandboxed(dsn: str, home: Path, sandbox: SandboxProcess, **environ: str) -> Platform:
    """A demo platform that asks this sandbox; `environ` replaces variables, '' unsets one."""
    credentials = {one.name: one.sandbox for one in VARIABLES if one.sandbox}
    values = {**credentials, **sandbox_addresses(sandbox.url), **environ}
    return platform_of(dsn, home, **{name: value for name, value in values.items() if value})


_ORDER = '["twilio_lookup", "trestle"]'


def switch_on(conn: Connection, *steps: str) -> None:
    """These steps, at prices the sandbox bills, asked fast."""
    change_settings(conn, "providers.numverify.price_overrides_usd", '{"validate": "0.002"}', "me")
    # Two vendors are waterfall enough: the add-on that comes first has tests of its own.
    change_settings(conn, "steps.line_statuses.provider_order", _ORDER, "me")
    for step in steps:
        change_settings(conn, f"steps.{step}.enabled", "true", "me")
        change_settings(conn, f"steps.{step}.patience_s", QUIET, "me")
    for vendor in ("numverify", "trestle", "twilio_lookup"):
        change_settings(conn, f"providers.{vendor}.requests_per_second", "500", "me")


def load_numbers(platform: Platform, folder: Path, count: int, name: str = "leads") -> UploadReport:
    """An upload of distinct valid numbers, each with a name and a company."""
    path = folder / f"{name}.csv"
    rows = [f"+1415{2_200_000 + n},Ada Example {n},Firm {n}" for n in range(count)]
    path.write_text("\n".join(["phone,name,company", *rows]) + "\n")
    return load_upload(platform.dsn, platform.secret_key, path)


def approved(conn: Connection, platform: Platform, upload: UploadReport) -> Plan:
    """A plan by the settings in force, approved."""
    plan = make_plan(conn, upload.upload_id, load_settings(conn), platform)
    if plan.state != "done":
        approve_plan(conn, plan.plan_id, actor="ann")
    return plan


def asked(sandbox: SandboxProcess, vendor: str) -> int:
    """Requests that arrived at a vendor."""
    return int(sandbox.control("GET", f"summary?vendor={vendor}")["requests"])
