"""Days of deactivated numbers: fetched once, ours marked at once and later ones too, then gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import orjson
import psycopg
import pytest

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.privacy import subject_hmac
from bulk_lookup_dagster.engine.settlement import pack
from bulk_lookup_dagster.services.deactivations import Day, fetch_day, mark_deactivated
from bulk_lookup_dagster.services.housekeeping import purge
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.retention import purge_values
from resources.twilio_deactivations_records import MAX_NUMBERS
from tests.fakes.sandbox import SandboxProcess, running_sandbox

Connection = psycopg.Connection[Any]
DAY = date(2026, 11, 20)
OURS = [f"+1415557{n:04d}" for n in range(30)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        died = {"day": DAY.isoformat(), "numbers": OURS[:12]}
        process.control("PUT", "died?vendor=twilio_deactivations", died)
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess) -> Platform:
    environ = {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(platform.environment.home),
        "TWILIO_DEACTIVATIONS_BASE_URL": f"{sandbox.url}/twilio_deactivations",
    }
    return replace(platform, environment=read_environment(environ))


def add_numbers(conn: Connection, platform: Platform, numbers: list[str]) -> None:
    digests = [subject_hmac(platform.secret_key, "phone", number) for number in numbers]
    conn.execute(
        "INSERT INTO intake.subjects (kind, value, value_hmac)"
        " SELECT 'phone', * FROM unnest(%s::text[], %s::bytea[])",
        (numbers, digests),
    )


def fetch(platform: Platform, day: date = DAY) -> Day:
    return asyncio.run(fetch_day(platform, day))


def marks(conn: Connection) -> int:
    return int(conn.execute("SELECT count(*) FROM enrichment.deactivated_numbers").fetchall()[0][0])


def test_our_numbers_of_a_day_are_marked_once_and_strangers_never(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    sandbox.control("DELETE", "log")
    add_numbers(conn, connected, OURS[:20])
    first = fetch(connected)
    assert (first.marked, first.report.answered["data"]) == (12, 1)
    again = fetch(connected)
    assert (again.marked, again.report.requests) == (0, 0)
    add_numbers(conn, connected, ["+14155570999"])
    erased = "UPDATE intake.subjects SET value = NULL, erased_at = now() WHERE value = %s"
    conn.execute(erased, (OURS[0],))
    assert mark_deactivated(conn, connected.secret_key) == 0
    (spent,) = conn.execute("SELECT sum(cost_micros) FROM ledger.claims").fetchall()[0]
    assert spent == 0
    subjects = "SELECT kind, count(*)::int FROM intake.subjects GROUP BY 1 ORDER BY 1"
    assert conn.execute(subjects).fetchall() == [("day", 1), ("phone", 21)]
    assert sandbox.control("GET", "summary?vendor=twilio_deactivations")["requests"] == 2


def test_a_number_that_arrives_after_its_day_is_marked_and_all_is_gone_after_a_month(
    connected: Platform, conn: Connection
) -> None:
    assert fetch(connected).marked == 0
    add_numbers(conn, connected, OURS)
    assert mark_deactivated(conn, connected.secret_key) == 12 == marks(conn)
    for table in ("enrichment.deactivations", "ledger.bodies"):
        conn.execute(
            f"UPDATE {table} SET fetched_at = fetched_at - interval '31 days',"
            " expires_at = expires_at - interval '31 days'".encode()
        )
    conn.execute("UPDATE enrichment.deactivated_numbers SET expires_at = now() - interval '1 day'")
    assert purge(conn) == 1
    purge_values(conn)
    assert (marks(conn), mark_deactivated(conn, connected.secret_key)) == (0, 0)


def test_a_day_that_is_not_over_stays_due(connected: Platform, conn: Connection) -> None:
    today = datetime.now(UTC).date() + timedelta(days=1)
    day = fetch(connected, today)
    assert not day.report.answered
    state = conn.execute("SELECT state, retry_at IS NOT NULL FROM ledger.claims").fetchall()
    assert state == [("failed", True)]


def test_without_credentials_the_day_says_so_and_nothing_is_asked(platform: Platform) -> None:
    day = fetch(platform)
    assert "sandbox does not run" in day.report.stopped["twilio_deactivations"]
    assert (day.report.requests, day.marked) == (0, 0)


def test_the_largest_file_fits_into_the_ledger() -> None:
    random = Random(7)
    numbers = sorted(f"+1{random.randrange(2 * 10**9, 10**10)}" for _ in range(MAX_NUMBERS))
    body = orjson.dumps({"day": DAY.isoformat(), "numbers": numbers})
    assert len(pack(body)) < 4 * 1024 * 1024
