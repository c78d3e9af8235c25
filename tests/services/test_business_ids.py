"""Ids of businesses a year on: asked for again for nothing, replaced or marked, never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.subjects import ZipcodeKey
from bulk_lookup_dagster.sandbox.google_places import place_id
from bulk_lookup_dagster.schemas.business_ids import COLUMNS, business_ids_schema
from bulk_lookup_dagster.services import business_ids
from bulk_lookup_dagster.services.approvals import approve_plan
from bulk_lookup_dagster.services.business_ids import Refreshed, refresh_ids
from bulk_lookup_dagster.services.discovery import run_discovery
from bulk_lookup_dagster.services.discovery_plans import plan_discovery
from bulk_lookup_dagster.services.found_businesses import keep_businesses
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.nightly import run_nightly
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.subject_runs import run_subjects_free
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.steps import check_schema

Connection = psycopg.Connection[Any]
VENDOR = "google_places"
NEW = place_id("another place")
ALL, DENTISTS = ZipcodeKey("85001"), ZipcodeKey("85001", "dentist")
# As if everything had happened a year and a day earlier.
_A_YEAR_ON = (
    "UPDATE enrichment.zipcode_business_ids SET found_at = found_at - interval '366 days',"
    " checked_at = checked_at - interval '366 days'",
    "UPDATE enrichment.business_ids SET fetched_at = fetched_at - interval '366 days'",
    "UPDATE ledger.claims SET claimed_at = claimed_at - interval '366 days',"
    " settled_at = settled_at - interval '366 days'"
    " WHERE operation = 'place_id'",
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess, conn: Connection) -> Platform:
    sandbox.control("PUT", f"places?vendor={VENDOR}", {})
    environ = {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(platform.environment.home),
        "GOOGLE_PLACES_BASE_URL": f"{sandbox.url}/{VENDOR}",
    }
    change_settings(conn, f"providers.{VENDOR}.requests_per_second", "null", "me")
    return replace(platform, environment=read_environment(environ))


def found(conn: Connection, platform: Platform, *keys: ZipcodeKey) -> list[str]:
    """Ids that a search for these requests finds; none of them is asked for in a day."""
    plan = plan_discovery(conn, platform, keys, 60)
    approve_plan(conn, plan.plan_id, actor="me")
    run_discovery(platform, plan.plan_id)
    return ids(conn)


def ids(conn: Connection) -> list[str]:
    query = "SELECT DISTINCT business_id FROM enrichment.zipcode_business_ids ORDER BY 1"
    return [row[0] for row in conn.execute(query).fetchall()]


def a_year_on(conn: Connection) -> None:
    for statement in _A_YEAR_ON:
        conn.execute(statement.encode())


def refreshed(platform: Platform) -> Refreshed:
    return asyncio.run(refresh_ids(platform))


def told(sandbox: SandboxProcess, moved: dict[str, str], *gone: str) -> None:
    """What Google makes of ids from now on."""
    sandbox.control("PUT", f"places?vendor={VENDOR}", {"moved": moved, "gone": gone})
    sandbox.control("DELETE", "log")


def calls(sandbox: SandboxProcess) -> int:
    return int(sandbox.control("GET", f"summary?vendor={VENDOR}")["requests"])


def test_ids_of_a_years_age_are_asked_for_once_and_cost_nothing(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    known = found(conn, connected, DENTISTS, ALL)
    told(sandbox, {})
    assert refreshed(connected).due == 0, "found today"
    a_year_on(conn)
    done = refreshed(connected)
    assert (done.due, done.confirmed, done.replaced, done.gone) == (len(known), len(known), 0, 0)
    summary = sandbox.control("GET", f"summary?vendor={VENDOR}")
    assert (summary["requests"], summary["cost_micros"]) == (len(known), 0), "each id once"
    assert ids(conn) == known
    again = refreshed(connected)
    assert (again.due, again.report.requests, calls(sandbox)) == (0, 0, len(known))
    claims = conn.execute(
        "SELECT count(*), sum(cost_micros), max(epoch) FROM ledger.claims"
        " WHERE operation = 'place_id' AND state = 'answered'"
    ).fetchall()
    assert claims == [(len(known), 0, 0)]
    check_schema(conn, business_ids_schema(), COLUMNS, ())
    a_year_on(conn)
    assert refreshed(connected).confirmed == len(known), "and after another year"


def test_an_id_that_was_replaced_is_and_its_history_stays(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    known = found(conn, connected, DENTISTS, ALL)
    old = conn.execute(
        "SELECT business_id FROM enrichment.zipcode_business_ids"
        " GROUP BY 1 HAVING count(*) = 2 ORDER BY 1 LIMIT 1"
    ).fetchall()[0][0]
    rows = "SELECT count(*), count(*) FILTER (WHERE is_new) FROM enrichment.zipcode_business_ids"
    before = conn.execute(rows).fetchall()
    a_year_on(conn)
    told(sandbox, {old: NEW})
    done = refreshed(connected)
    assert (done.confirmed, done.replaced, done.gone) == (len(known) - 1, 1, 0)
    assert ids(conn) == sorted({*known, NEW} - {old})
    assert conn.execute(rows).fetchall() == before, "in both requests"
    history = "SELECT old_id, new_id FROM enrichment.business_id_changes"
    assert conn.execute(history).fetchall() == [(old, NEW)]
    conn.execute("UPDATE enrichment.zipcode_businesses SET fetched_at = fetched_at - %s::interval",
                 ("366 days",))  # fmt: skip
    requests = conn.execute("SELECT subject_id FROM enrichment.zipcode_requests").fetchall()
    keep_businesses(conn, [row[0] for row in requests])
    assert old not in ids(conn), "a page from before brings it back"
    a_year_on(conn)
    assert refreshed(connected).confirmed == len(known), "the new one, not the old"


def test_an_id_replaced_by_one_we_have_too_is_one_business(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    old, kept, *rest = found(conn, connected, DENTISTS)
    a_year_on(conn)
    told(sandbox, {old: kept})
    done = refreshed(connected)
    assert (done.confirmed, done.replaced) == (len(rest) + 1, 1)
    assert ids(conn) == sorted([kept, *rest])


def test_an_id_that_names_nothing_is_kept_marked_and_asked_for_no_more(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    closed, *rest = known = found(conn, connected, DENTISTS)
    a_year_on(conn)
    told(sandbox, {}, closed)
    done = refreshed(connected)
    assert (done.confirmed, done.replaced, done.gone) == (len(rest), 0, 1)
    gone = "SELECT business_id FROM enrichment.zipcode_business_ids WHERE gone_at IS NOT NULL"
    assert conn.execute(gone).fetchall() == [(closed,)]
    assert ids(conn) == known
    a_year_on(conn)
    assert refreshed(connected).due == len(rest)


def test_what_a_run_that_died_was_told_is_not_asked_for_again(
    connected: Platform, conn: Connection, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, *rest = known = found(conn, connected, DENTISTS)
    a_year_on(conn)
    told(sandbox, {old: NEW})

    async def dies(*arguments: Any, **options: Any) -> None:
        await run_subjects_free(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(business_ids, "run_subjects_free", dies)
        with pytest.raises(KeyboardInterrupt):
            refreshed(connected)
    assert (ids(conn), calls(sandbox)) == (known, len(known))
    done = refreshed(connected)
    assert (done.due, done.confirmed, done.replaced) == (0, len(rest), 1)
    assert calls(sandbox) == len(known)


def test_who_cannot_be_asked_now_is_asked_later_and_no_id_is_lost(
    connected: Platform, platform: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    known = found(conn, connected, DENTISTS)
    a_year_on(conn)
    off = refreshed(platform)
    assert (off.due, off.report.requests, set(off.report.stopped)) == (len(known), 0, {VENDOR})
    sandbox.control("DELETE", "log")
    down = {"rates": {"unavailable": 1.0}, "clean_after": 1_000}
    sandbox.control("PUT", f"faults?vendor={VENDOR}", down)
    change_settings(conn, "steps.business_ids.patience_s", "0", "me")
    try:
        failed = refreshed(connected)
    finally:
        sandbox.control("PUT", f"faults?vendor={VENDOR}", {})
    assert (failed.confirmed, failed.gone, ids(conn)) == (0, 0, known)
    conn.execute("UPDATE ledger.claims SET retry_at = now() WHERE state = 'failed'")
    conn.execute("DELETE FROM ops.breakers")
    assert refreshed(connected).confirmed == len(known)


def test_the_nightly_run_refreshes_and_a_setting_ends_it(
    connected: Platform, conn: Connection
) -> None:
    known = found(conn, connected, DENTISTS)
    a_year_on(conn)
    change_settings(conn, "steps.business_ids.refresh_policy_days", "null", "me")
    assert asyncio.run(run_nightly(connected)).calls == 0
    change_settings(conn, "steps.business_ids.refresh_policy_days", "365", "me")
    night = asyncio.run(run_nightly(connected))
    assert (night.calls, night.refreshed.confirmed) == (len(known), len(known))
    plans = conn.execute(
        "SELECT state, cap_micros, approved_by FROM ledger.plans WHERE kind = 'nightly'"
    ).fetchall()
    assert plans == [("done", 0, "free of charge")]
