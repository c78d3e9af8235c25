"""The step `phone_porting` against the sandbox: both shapes stored, nothing without a price."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.schemas.phone_porting import COLUMNS, NUMBERS, phone_porting_schema
from bulk_lookup_dagster.services.steps.phone_porting import PHONE_PORTING
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.steps import add_subjects, check_schema, run_definition

PRICED = {"providers": {"twilio_addons": {"price_overrides_usd": {"icehook_scout": "0.005"}}}}
_SHAPES = """
    SELECT count(*) FILTER (WHERE ported IS NOT NULL), count(*) FILTER (WHERE risk_level <> ''),
           count(*) FILTER (WHERE details IS NULL), count(*)
      FROM enrichment.phone_porting WHERE outcome = 'data'
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def test_scout_answers_in_both_shapes_and_only_once(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, sandbox: SandboxProcess
) -> None:
    ids = add_subjects(conn, "phone", [f"+1415556{n:04d}" for n in range(120)])
    without_price = run_definition(conn, dsn, tmp_path, PHONE_PORTING, ids, sandbox)
    assert without_price.requests == 0
    run_definition(conn, dsn, tmp_path, PHONE_PORTING, ids, sandbox, PRICED)
    porting, risk, bare, answered = conn.execute(_SHAPES).fetchall()[0]
    assert min(porting, risk) > 10
    assert (porting + risk, bare) == (answered, 0)
    check_schema(conn, phone_porting_schema(), COLUMNS, NUMBERS)
    assert run_definition(conn, dsn, tmp_path, PHONE_PORTING, ids, sandbox, PRICED).requests == 0


def test_f32_an_add_on_that_fails_is_asked_again_later_and_never_no_data(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, sandbox: SandboxProcess
) -> None:
    ids = add_subjects(conn, "phone", [f"+1415558{n:04d}" for n in range(40)])
    sandbox.control("PUT", "failing?vendor=twilio_addons", {"share": 0.5})
    try:
        run_definition(conn, dsn, tmp_path, PHONE_PORTING, ids, sandbox, PRICED)
    finally:
        sandbox.control("PUT", "failing?vendor=twilio_addons", {"share": 0})
    states = dict(
        conn.execute(
            "SELECT state || coalesce(' ' || outcome, ''), count(*)::int FROM ledger.claims"
            " WHERE state = 'answered' OR retry_at > now() GROUP BY 1"
        ).fetchall()
    )
    assert states["failed"] > 5
    assert "answered no_data" not in states
    assert sum(states.values()) == 40
