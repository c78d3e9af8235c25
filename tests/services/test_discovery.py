"""Discovery: a page is paid once, what may be kept is kept, our numbers are recognised."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.errors import ApprovalNeeded, ConfigError, InputError
from bulk_lookup_dagster.core.privacy import subject_hmac
from bulk_lookup_dagster.core.subjects import ZipcodeKey
from bulk_lookup_dagster.sandbox.neighbourhood import listed
from bulk_lookup_dagster.sandbox.people import Company, companies_in
from bulk_lookup_dagster.services.approvals import approve_plan
from bulk_lookup_dagster.services.discovery import outcomes, run_discovery, run_request
from bulk_lookup_dagster.services.discovery_history import read_history
from bulk_lookup_dagster.services.discovery_plans import note_requests, plan_discovery
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.nightly import run_nightly
from bulk_lookup_dagster.services.phone_book import PostgresPhoneBook
from bulk_lookup_dagster.services.plans import Plan
from bulk_lookup_dagster.services.retention import purge_values
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.steps.zipcode_businesses import MOST_REQUESTS
from tests.fakes.sandbox import SandboxProcess, running_sandbox

Connection = psycopg.Connection[Any]
PLAIN, DENTISTS = ZipcodeKey("85002"), ZipcodeKey("85001", "dentist")
BUSY = next(
    ZipcodeKey(zipcode)
    for zipcode in (f"{zip3}{n:02d}" for zip3 in ("850", "941", "972") for n in range(1, 41))
    if len(listed("google_places", zipcode, 0.9)) > 80
)
PRICE = 35_000


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess) -> Platform:
    sandbox.control("DELETE", "log")
    environ = {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(platform.environment.home),
        "GOOGLE_PLACES_BASE_URL": f"{sandbox.url}/google_places",
        "YELP_BASE_URL": f"{sandbox.url}/yelp",
    }
    return replace(platform, environment=read_environment(environ))


def approved(
    conn: Connection, platform: Platform, keys: Sequence[ZipcodeKey], limit: int = 60,
    cap: int | None = None,
) -> Plan:  # fmt: skip
    plan = plan_discovery(conn, platform, keys, limit)
    if plan.state == "waiting_approval":
        approve_plan(conn, plan.plan_id, actor="me", cap_micros=cap)
    return plan


def rows_of(conn: Connection, platform: Platform, *keys: ZipcodeKey) -> list[Any]:
    return outcomes(conn, note_requests(conn, platform, keys))


def add_contacts(conn: Connection, platform: Platform, firms: Sequence[Company]) -> None:
    """A contact for each firm's number; a number that no contact has beside them."""
    numbers = [one.phone for one in firms]
    digests = [subject_hmac(platform.secret_key, "phone", one) for one in numbers]
    conn.execute("""
        INSERT INTO intake.sources (source_id, name) VALUES (7, 'test');
        INSERT INTO intake.uploads (upload_id, source_id, content_hash, mapping_hash,
                                    default_region, state, file_name, file_uri, size_bytes)
             VALUES (7, 7, 'a', 'b', 'US', 'received', 'a.csv', 'file:///a.csv', 1);
        INSERT INTO intake.batches (batch_id, upload_id, source_id, batch_number, partition_key,
                                    state, row_count)
             VALUES (7, 7, 7, 1, 'key', 'created', 1)""")
    conn.execute(
        "INSERT INTO intake.subjects (kind, value, value_hmac)"
        " SELECT 'phone', * FROM unnest(%s::text[], %s::bytea[])",
        (numbers, digests),
    )
    conn.execute("""
        INSERT INTO intake.contacts (source_id, first_batch_id, first_row_number, contact_hash,
                                     phone_subject_id)
        SELECT 7, 7, row_number() OVER (), sha256(value::bytea), subject_id
          FROM intake.subjects WHERE kind = 'phone'""")


def test_pages_are_paid_once_and_a_second_run_buys_nothing(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    plan = approved(conn, connected, [PLAIN, DENTISTS])
    assert (plan.due, plan.kind) == (2, "discovery")
    assert plan.max_micros >= 2 * 3 * PRICE
    report = run_discovery(connected, plan.plan_id)
    rows = rows_of(conn, connected, PLAIN, DENTISTS)
    assert [(row["zipcode"], row["provider"], row["state"]) for row in rows] == [
        ("85001", "google_places", "done"),
        ("85002", "google_places", "done"),
    ]
    asked = sandbox.control("GET", "summary?vendor=google_places")
    assert asked["requests"] == report.requests == sum(row["requests"] for row in rows) == 3
    assert (asked["paid_twice"], asked["cost_micros"]) == (0, 3 * PRICE)
    assert report.spent_micros == sum(row["cost_micros"] for row in rows) == 3 * PRICE

    again = approved(conn, connected, [PLAIN, DENTISTS])
    assert (again.state, again.due, again.max_micros) == ("done", 0, 0)
    assert sandbox.control("GET", "summary")["requests"] == 3
    state = conn.execute("SELECT state FROM ledger.plans ORDER BY plan_id").fetchall()
    assert state == [("done",), ("done",)]


def test_what_was_found_is_what_the_world_has_and_only_ids_rest(
    connected: Platform, conn: Connection
) -> None:
    here = {one.key for one in companies_in(PLAIN.zipcode)}
    listing = listed("google_places", PLAIN.zipcode, 0.9)
    wanted = [one for one in listing if one.company.key in here and not one.closed]
    (row,) = found(conn, connected, PLAIN)
    assert row["found"] == row["new"] == len(wanted)
    assert row["skipped"] == len(listing) - len(wanted)
    stored = conn.execute("""
        SELECT (SELECT string_agg(z::text, ' ') FROM enrichment.zipcode_businesses z)
            || (SELECT string_agg(i::text, ' ') FROM enrichment.zipcode_business_ids i)
    """).fetchall()[0][0]
    for one in wanted:
        assert one.company.name not in stored
        assert one.company.phone[2:] not in stored
        assert one.company.address.street not in stored
    contacts = conn.execute("SELECT count(*) FROM intake.contacts").fetchall()[0][0]
    subjects = conn.execute("SELECT DISTINCT kind FROM intake.subjects").fetchall()
    assert (contacts, subjects) == (0, [("zipcode",)])


def found(conn: Connection, platform: Platform, *keys: ZipcodeKey, limit: int = 60) -> list[Any]:
    run_discovery(platform, approved(conn, platform, keys, limit).plan_id)
    return rows_of(conn, platform, *keys)


def test_businesses_whose_number_a_contact_has_are_matched(
    connected: Platform, conn: Connection
) -> None:
    ours = companies_in(PLAIN.zipcode)[:10]
    add_contacts(conn, connected, ours)
    conn.execute(
        "UPDATE intake.subjects SET value = NULL, erased_at = now() WHERE value = %s",
        (ours[0].phone,),
    )
    (row,) = found(conn, connected, PLAIN)
    matched = conn.execute("""
        SELECT s.value FROM enrichment.zipcode_business_ids i
          JOIN intake.subjects s ON s.subject_id = i.phone_subject_id""").fetchall()
    assert 3 < row["matched"] == len(matched) < 10
    assert {value for (value,) in matched} < {one.phone for one in ours[1:]}
    assert conn.execute("SELECT count(*) FROM intake.contacts").fetchall()[0][0] == 10


def test_a_zipcode_with_more_than_sixty_is_split_until_the_limit(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    (first,) = found(conn, connected, BUSY)
    assert (first["requests"], first["found"] + first["skipped"]) == (3, 60)
    (more,) = found(conn, connected, BUSY, limit=500)
    open_here = [
        one
        for one in listed("google_places", BUSY.zipcode, 0.9)
        if one.company.address.postal_code == BUSY.zipcode and not one.closed
    ]
    assert more["found"] == len(open_here) > 60
    assert more["new"] == more["found"], "what two parts list is one business"
    areas = conn.execute(
        "SELECT count(DISTINCT area) FROM enrichment.zipcode_businesses"
        " WHERE operation = 'search_more' AND area IS NOT NULL"
    ).fetchall()
    assert areas == [(4,)]
    assert sandbox.control("GET", "summary")["paid_twice"] == 0


def test_requests_end_with_the_limit_and_the_plans_maximum_covers_them(
    connected: Platform, conn: Connection
) -> None:
    plan = approved(conn, connected, [BUSY], 25)
    assert run_discovery(connected, plan.plan_id).requests == 2
    wider = approved(conn, connected, [BUSY], 100)
    report = run_discovery(connected, wider.plan_id)
    assert 2 <= report.requests <= 6
    assert report.spent_micros <= wider.max_micros
    assert not report.left_due


def test_what_is_likely_follows_what_earlier_requests_of_a_type_needed(
    connected: Platform, conn: Connection
) -> None:
    zipcodes = [f"850{number:02d}" for number in range(1, 41)]
    change_settings(conn, "steps.zipcode_businesses.provider_order", '["google_places"]', "me")

    def planned(business_type: str) -> Plan:
        return plan_discovery(
            conn, connected, [ZipcodeKey(one, business_type) for one in zipcodes[20:]], 60
        )

    def thrown_away(plan: Plan) -> Plan:
        conn.execute("UPDATE ledger.plans SET state = 'cancelled' WHERE plan_id = %s",
                     (plan.plan_id,))  # fmt: skip
        return plan

    guess = {kind: thrown_away(planned(kind)) for kind in ("dentist", "")}
    assert guess["dentist"].estimate["p50_micros"] == guess[""].estimate["p50_micros"]
    every = 20 * 3 * PRICE
    for kind in ("dentist", ""):
        keys = [ZipcodeKey(one, kind) for one in zipcodes[:20]]
        run_discovery(connected, approved(conn, connected, keys).plan_id)
    now = {kind: thrown_away(planned(kind)) for kind in ("dentist", "")}
    assert {one.max_micros for one in (*guess.values(), *now.values())} == {every}
    assert now["dentist"].estimate["p50_micros"] < guess["dentist"].estimate["p50_micros"] * 0.85
    assert now["dentist"].estimate["p90_micros"] < now[""].estimate["p10_micros"]
    actual = run_discovery(connected, approved(conn, connected, [
        ZipcodeKey(one, "dentist") for one in zipcodes[20:]]).plan_id)  # fmt: skip
    likely = now["dentist"].estimate["p50_micros"]
    assert abs(actual.spent_micros - likely) < abs(
        actual.spent_micros - guess["dentist"].estimate["p50_micros"]
    )


def test_requests_a_cap_cut_short_do_not_make_plans_cheaper(
    connected: Platform, conn: Connection
) -> None:
    change_settings(conn, "steps.zipcode_businesses.provider_order", '["google_places"]', "me")
    keys = [ZipcodeKey(f"850{number:02d}") for number in range(1, 21)]
    before = read_history(conn, MOST_REQUESTS).shares("google_places", {"": 1}, 3)
    plan = approved(conn, connected, keys, cap=20 * PRICE)
    assert run_discovery(connected, plan.plan_id).requests == 20
    assert read_history(conn, MOST_REQUESTS).shares("google_places", {"": 1}, 3) == before


def test_a_cap_ends_the_run_and_the_rest_stays_due(connected: Platform, conn: Connection) -> None:
    plan = approved(conn, connected, [BUSY], cap=2 * PRICE)
    report = run_discovery(connected, plan.plan_id)
    assert (report.requests, dict(report.left_due)) == (2, {"cap_reached": 1})
    state = "SELECT state FROM ledger.plans WHERE plan_id = %s"
    assert conn.execute(state, (plan.plan_id,)).fetchall() == [("approved",)]
    approve_plan(conn, plan.plan_id, actor="me", cap_micros=3 * PRICE)
    assert asyncio.run(run_nightly(connected)).calls == 1
    assert conn.execute(state, (plan.plan_id,)).fetchall() == [("done",)]
    assert sum(row["new"] for row in rows_of(conn, connected, BUSY)) > 40


def test_yelp_is_asked_where_google_lists_nobody(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    change_settings(conn, "steps.zipcode_businesses.provider_order", '["yelp"]', "me")
    (row,) = found(conn, connected, BUSY, limit=240)
    here = listed("yelp", BUSY.zipcode, 0.6)
    assert row["provider"] == "yelp"
    assert row["found"] + row["skipped"] == len(here)
    assert row["requests"] == -(-len(here) // 50)
    change_settings(conn, "steps.zipcode_businesses.provider_order", "[]", "me")
    empty = ZipcodeKey("85002", "gym")
    google = [one for one in listed("google_places", "85002", 0.9, ("gym",)) if not one.closed]
    rows = {row["provider"]: row for row in found(conn, connected, empty, ZipcodeKey("00601"))}
    assert rows["yelp"]["state"] == "failed", "Yelp does not know this ZIP code"
    assert rows["yelp"]["error"] == "permanent"
    assert len(google) == 0 or "google_places" in rows
    assert sandbox.control("GET", "summary?vendor=yelp")["paid_twice"] == 0


def test_an_allowance_used_up_stops_the_provider_and_says_until_when(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    change_settings(conn, "steps.zipcode_businesses.provider_order", '["yelp"]', "me")
    sandbox.control("PUT", "allowance?vendor=yelp", {"calls": 0})
    try:
        plan = approved(conn, connected, [PLAIN])
        report = run_discovery(connected, plan.plan_id)
    finally:
        sandbox.control("PUT", "allowance?vendor=yelp", {"calls": 5_000})
    assert "yelp" in report.stopped
    assert not report.answered
    assert sum(report.left_due.values()) == 1


def test_an_id_is_new_in_the_first_request_that_found_it(
    connected: Platform, conn: Connection
) -> None:
    (every,) = found(conn, connected, ZipcodeKey("85001"))
    (dentists,) = found(conn, connected, DENTISTS)
    assert every["new"] == every["found"]
    assert dentists["found"] > 0
    assert dentists["new"] == 0


def test_counts_and_ids_outlive_everything_else(connected: Platform, conn: Connection) -> None:
    (before,) = found(conn, connected, BUSY, limit=500)
    conn.execute("UPDATE enrichment.zipcode_businesses SET fetched_at = now() - interval '30 days',"
                 " expires_at = now() - interval '1 day'")  # fmt: skip
    assert purge_values(conn) > 3
    left = conn.execute(
        "SELECT count(*) FROM enrichment.zipcode_businesses"
        " WHERE num_nonnulls(area, next_page, businesses) > 0"
    ).fetchall()
    assert left == [(0,)]
    assert rows_of(conn, connected, BUSY) == [before]
    again = plan_discovery(conn, connected, [BUSY], 500)
    assert (again.due, again.state) == (0, "done"), "what expired is never bought anew"


def test_a_partition_runs_its_own_request_only_and_only_when_approved(
    connected: Platform, conn: Connection
) -> None:
    plan = plan_discovery(conn, connected, [PLAIN, DENTISTS], 60)
    with pytest.raises(ApprovalNeeded):
        asyncio.run(run_request(connected, "85001-dentist"))
    approve_plan(conn, plan.plan_id, actor="me")
    assert asyncio.run(run_request(connected, "85001-dentist")).requests == 1
    states = {row["zipcode"]: row["state"] for row in rows_of(conn, connected, PLAIN, DENTISTS)}
    assert states == {"85001": "done", "85002": "new"}
    assert asyncio.run(run_request(connected, "85002-any")).requests == 2
    assert asyncio.run(run_request(connected, "85002-any")).requests == 0
    with pytest.raises(InputError, match="no request"):
        asyncio.run(run_request(connected, "99999-any"))


def test_without_anybody_to_ask_the_requests_are_skipped_with_the_reason(
    platform: Platform, conn: Connection
) -> None:
    with pytest.raises(ConfigError, match="2 requests are skipped: google_places: "):
        plan_discovery(conn, platform, [PLAIN, DENTISTS], 60)


def test_a_paid_answer_is_kept_uncompared_while_the_database_cannot_be_asked() -> None:
    nowhere = PostgresPhoneBook("postgresql://nobody@127.0.0.1:9/none", b"k" * 32)
    assert asyncio.run(nowhere.known(["+16025790001"])) is None
    assert asyncio.run(nowhere.known([])) == {}
