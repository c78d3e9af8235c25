"""Reverse geocoding: a point is paid once, and what Google told is gone after 29 days."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.errors import ApprovalNeeded, ConfigError, InputError
from bulk_lookup_dagster.core.points import read_point
from bulk_lookup_dagster.core.subjects import AddressKey
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.sandbox.places import Address, address_for, locate
from bulk_lookup_dagster.schemas.reverse_geocodes import (
    COLUMNS,
    NUMBERS,
    reverse_geocodes_schema,
)
from bulk_lookup_dagster.services.approvals import approve_plan
from bulk_lookup_dagster.services.housekeeping import purge
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.nightly import run_nightly
from bulk_lookup_dagster.services.plans import Plan
from bulk_lookup_dagster.services.point_plans import MOST_POINTS, note_points, plan_points
from bulk_lookup_dagster.services.retention import purge_values
from bulk_lookup_dagster.services.reverse_geocoding import Texts, outcomes, run_points
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.steps.geocodes import GEOCODES
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.steps import add_subjects, check_schema, run_definition

Connection = psycopg.Connection[Any]
PRICE = 5_000
HOUSES = [address_for(f"reverse {number}") for number in range(20)]
NOWHERE = "51.500000,-0.100000"
_A_MONTH_LATER = """
    UPDATE {table} SET fetched_at = fetched_at - interval '30 days',
                       expires_at = expires_at - interval '30 days'
"""


def point_of(house: Address) -> str:
    point = locate(house.street, house.city, house.state, house.postal_code)
    assert point is not None
    return read_point(f"{point.latitude},{point.longitude}")[0]


POINTS = [point_of(house) for house in HOUSES]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox("--faults", "none") as process:
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess, conn: Connection) -> Platform:
    sandbox.control("DELETE", "log")
    environ = {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(platform.environment.home),
        "GOOGLE_GEOCODING_BASE_URL": f"{sandbox.url}/google_geocoding",
    }
    change_settings(conn, "providers.google_geocoding.requests_per_second", "500", "me")
    return replace(platform, environment=read_environment(environ))


def bought(
    conn: Connection, platform: Platform, points: Sequence[str], cap: int | None = None
) -> tuple[Plan, RunReport, Texts]:
    plan = plan_points(conn, platform, points)
    if plan.state == "done":
        return plan, RunReport(), {}
    approve_plan(conn, plan.plan_id, actor="ann", cap_micros=cap)
    return plan, *run_points(platform, plan.plan_id)


def rows(
    conn: Connection, platform: Platform, points: Sequence[str], texts: Texts
) -> list[dict[str, Any]]:
    return outcomes(conn, note_points(conn, platform, points), texts)


def asked(sandbox: SandboxProcess) -> dict[str, Any]:
    summary: dict[str, Any] = sandbox.control("GET", "summary?vendor=google_geocoding")
    return summary


@pytest.mark.parametrize("version", ["v4", "v3"])
def test_a_point_leads_back_to_its_address_and_is_paid_once(
    connected: Platform, conn: Connection, sandbox: SandboxProcess, version: str
) -> None:
    change_settings(conn, "providers.google_geocoding.version", f'"{version}"', "me")
    plan, report, texts = bought(conn, connected, POINTS)
    assert (plan.kind, plan.due, plan.max_micros) == ("points", 20, 20 * PRICE)
    assert (report.requests, report.spent_micros) == (20, 20 * PRICE)
    told = {row["point"]: row for row in rows(conn, connected, POINTS, texts)}
    found = {point: row for point, row in told.items() if row["state"] == "found"}
    assert len(found) > 15
    for house, point in zip(HOUSES, POINTS, strict=True):
        if point not in found:
            continue
        row = found[point]
        line = f"{house.street}, {house.city}, {house.state} {house.postal_code}, USA"
        assert (row["address"], row["address_from"]) == (line, "google, not kept")
        assert read_point(f"{row['latitude']},{row['longitude']}")[0] == point
        assert row["place_id"].startswith("ChIJ")
    assert {row["state"] for row in told.values()} <= {"found", "nothing_there"}

    again, second, nothing = bought(conn, connected, POINTS)
    assert (again.state, again.due, again.max_micros) == ("done", 0, 0)
    assert (second.requests, nothing) == (0, {})
    assert (asked(sandbox)["requests"], asked(sandbox)["paid_twice"]) == (20, 0)
    kept = rows(conn, connected, POINTS, nothing)
    assert {row["address"] for row in kept} == {None}
    assert {row["place_id"] for row in kept} == {row["place_id"] for row in told.values()}
    # The same point to the last decimal that counts is no new question.
    shifted = [read_point(f"{point}1".replace(",", "2,"))[0] for point in POINTS]
    assert shifted == POINTS


def test_the_text_of_an_address_is_stored_nowhere(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    _, _, texts = bought(conn, connected, POINTS)
    assert any(texts.values())
    streets = [house.street for house in HOUSES]
    for table in ("enrichment.reverse_geocodes", "enrichment.points", "ledger.plans", "ops.audit"):
        stored = "\n".join(row[0] for row in conn.execute(f"SELECT t::text FROM {table} t"))
        assert not [street for street in streets if street in stored], table
    spool = connected.environment.home.rglob("*")
    assert not [
        path for path in spool
        if path.is_file() and any(street.encode() in path.read_bytes() for street in streets)
    ]  # fmt: skip
    check_schema(conn, reverse_geocodes_schema(), COLUMNS, NUMBERS)


def test_an_address_of_ours_with_the_same_place_is_told_every_time(
    connected: Platform, conn: Connection, dsn: str, sandbox: SandboxProcess
) -> None:
    keys = [
        AddressKey(one.street, "", one.city, one.state, one.postal_code, "ca").value
        for one in HOUSES  # the Census is not asked about addresses abroad
    ]
    ids = add_subjects(conn, "address", keys)
    run_definition(conn, dsn, connected.environment.home, GEOCODES, ids, sandbox)
    bought(conn, connected, POINTS)
    told = [row for row in rows(conn, connected, POINTS, {}) if row["state"] == "found"]
    assert len(told) > 15
    assert {row["address_from"] for row in told} == {"ours"}
    lines = dict(zip(POINTS, HOUSES, strict=True))
    assert all(row["address"].startswith(lines[row["point"]].street.casefold()) for row in told)


def test_what_google_told_is_gone_after_29_days_and_is_not_bought_again(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    bought(conn, connected, POINTS)
    with_point = "SELECT count(latitude), count(place_id) FROM enrichment.reverse_geocodes"
    ((points, places),) = conn.execute(with_point).fetchall()
    assert points == places > 15
    ((days,),) = conn.execute(
        "SELECT DISTINCT expires_at - fetched_at FROM enrichment.reverse_geocodes"
    ).fetchall()
    assert days.days == 29
    assert purge_values(conn) == purge(conn) == 0
    for table in ("enrichment.reverse_geocodes", "ledger.bodies"):
        conn.execute(_A_MONTH_LATER.format(table=table).encode())
    late = rows(conn, connected, POINTS, {})
    assert {row["latitude"] for row in late} == {None}, "hidden before it is purged"
    assert [row["state"] for row in late].count("expired") == points
    best = "SELECT count(*) FROM enrichment.reverse_geocodes_best"
    assert conn.execute(best).fetchone() == (0,)
    assert purge_values(conn) == points
    assert purge(conn) == len(POINTS)
    assert conn.execute(with_point).fetchone() == (0, places)
    assert conn.execute("SELECT count(*) FROM ledger.bodies").fetchone() == (0,)
    again, report, _ = bought(conn, connected, POINTS)
    assert (again.due, report.requests, asked(sandbox)["requests"]) == (0, 0, 20)


def test_only_what_is_new_is_planned_and_a_cap_holds(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    bought(conn, connected, POINTS[:5])
    plan, report, _ = bought(conn, connected, [*POINTS[:8], NOWHERE], cap=2 * PRICE)
    assert (plan.due, plan.max_micros) == (4, 4 * PRICE)
    assert (report.requests, dict(report.left_due)) == (2, {"cap_reached": 2})
    waiting = plan_points(conn, connected, [*POINTS[:8], NOWHERE])
    assert waiting.plan_id == plan.plan_id, "the same question is not planned twice"
    approve_plan(conn, plan.plan_id, actor="ann")
    outcome = asyncio.run(run_nightly(connected))
    assert outcome.calls == 2
    (nowhere,) = rows(conn, connected, [NOWHERE], {})
    assert (nowhere["state"], nowhere["cost_micros"]) == ("nothing_there", PRICE)
    states = conn.execute("SELECT DISTINCT state FROM ledger.plans WHERE kind = 'points'")
    assert states.fetchall() == [("done",)]


def test_who_cannot_be_asked_and_too_many_points_are_refused_before_anything_is_planned(
    platform: Platform, connected: Platform, conn: Connection
) -> None:
    with pytest.raises(ConfigError, match="sandbox does not run"):
        plan_points(conn, platform, POINTS)
    with pytest.raises(InputError, match="2,001"):
        plan_points(conn, connected, [f"1.{n:06d},2.000000" for n in range(MOST_POINTS + 1)])
    change_settings(conn, "steps.reverse_geocodes.enabled", "false", "me")
    with pytest.raises(ConfigError, match=r"steps\.reverse_geocodes\.enabled"):
        plan_points(conn, connected, POINTS)
    assert conn.execute("SELECT count(*) FROM ledger.plans").fetchone() == (0,)


def test_as_many_points_as_a_plan_takes_fit_into_it(connected: Platform, conn: Connection) -> None:
    plan = plan_points(conn, connected, [f"1.{n:06d},2.000000" for n in range(MOST_POINTS)])
    assert (plan.due, plan.state) == (MOST_POINTS, "waiting_approval")


def test_nothing_is_asked_without_an_approval(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    plan = plan_points(conn, connected, POINTS)
    with pytest.raises(ApprovalNeeded):
        run_points(connected, plan.plan_id)
    assert asked(sandbox)["requests"] == 0
