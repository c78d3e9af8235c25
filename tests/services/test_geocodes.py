"""The step `geocodes` against the sandbox: one request to the Census, Google for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.subjects import AddressKey
from bulk_lookup_dagster.sandbox.places import address_for
from bulk_lookup_dagster.schemas.geocodes import COLUMNS, NUMBERS, geocodes_schema
from bulk_lookup_dagster.services.housekeeping import purge
from bulk_lookup_dagster.services.retention import purge_values
from bulk_lookup_dagster.services.steps.geocodes import GEOCODES
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.steps import add_subjects, check_schema, run_definition

Connection = psycopg.Connection[Any]
_COUNTS = "SELECT provider, outcome, count(*)::int FROM enrichment.geocodes GROUP BY 1, 2"
_WITH_POINTS = """
    SELECT c.table_schema, c.table_name FROM information_schema.columns c
     WHERE c.column_name IN ('latitude', 'lat') AND c.table_schema IN ('enrichment', 'marts')
"""
_A_MONTH_LATER = """
    UPDATE {table} SET fetched_at = fetched_at - interval '30 days',
                       expires_at = expires_at - interval '30 days'
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def addresses(count: int, country: str = "us") -> list[str]:
    found = [address_for(f"geocodes {number}") for number in range(count)]
    return [
        AddressKey(one.street, f"# {number}", one.city, one.state, one.postal_code, country).value
        for number, one in enumerate(found)
    ]


def requests(sandbox: SandboxProcess, vendor: str) -> int:
    count: int = sandbox.control("GET", f"summary?vendor={vendor}")["requests"]
    return count


def counts(conn: Connection) -> dict[tuple[str, str], int]:
    return {(row[0], row[1]): row[2] for row in conn.execute(_COUNTS).fetchall()}


def test_10000_addresses_are_one_request_to_the_census(
    dsn: str, conn: Connection, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    sandbox.control("DELETE", "log")
    ids = add_subjects(conn, "address", addresses(10_000))
    only = {"providers": {"google_geocoding": {"price_overrides_usd": {"geocode": 0}}}}
    report = run_definition(conn, dsn, tmp_path, GEOCODES, ids, sandbox, only)
    assert requests(sandbox, "census") == 1
    found = counts(conn)
    matched = found["census", "data"]
    assert 8_000 < matched < 9_500
    assert found["census", "no_data"] == 10_000 - matched == requests(sandbox, "google_geocoding")
    assert report.quarantined == 0


def test_what_the_census_cannot_match_is_asked_of_google_and_nothing_twice(
    dsn: str, conn: Connection, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    sandbox.control("DELETE", "log")
    abroad = AddressKey("1 Elm St", "", "Phoenix", "AZ", "85001", "gb").value
    ids = add_subjects(conn, "address", [*addresses(40), abroad])
    first = run_definition(conn, dsn, tmp_path, GEOCODES, ids, sandbox)
    found = counts(conn)
    unmatched = found["census", "no_data"]
    assert found["census", "data"] + unmatched == 40, "an address abroad is not the Census's"
    assert requests(sandbox, "google_geocoding") == unmatched + 1
    assert first.complete
    again = run_definition(conn, dsn, tmp_path, GEOCODES, ids, sandbox)
    assert again.requests == 0
    blocks = conn.execute(
        "SELECT count(*) FROM enrichment.geocodes WHERE provider = 'census' AND outcome = 'data'"
        " AND (census_block IS NULL OR latitude IS NULL OR expires_at IS NOT NULL)"
    ).fetchone()
    assert blocks == (0,)
    check_schema(conn, geocodes_schema(), COLUMNS, NUMBERS)


def test_an_address_the_census_leaves_out_stays_due_and_is_never_no_data(
    dsn: str, conn: Connection, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    sandbox.control("PUT", "leave_out?vendor=census", {"every": 5})
    try:
        ids = add_subjects(conn, "address", addresses(20))
        run_definition(conn, dsn, tmp_path, GEOCODES, ids, sandbox)
    finally:
        sandbox.control("PUT", "leave_out?vendor=census", {"every": 0})
    states = conn.execute(
        "SELECT state, count(*)::int FROM ledger.claims WHERE provider = 'census'"
        " AND retry_at IS NOT NULL GROUP BY 1"
    ).fetchall()
    assert states == [("failed", 4)]


def test_googles_point_is_gone_after_30_days_and_its_place_id_stays(
    dsn: str, conn: Connection, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    """Table, view, stored body, and whatever mart shows points; the ledger still decides."""
    ids = add_subjects(conn, "address", addresses(30, country="canada"))
    run_definition(conn, dsn, tmp_path, GEOCODES, ids, sandbox)
    google = "FROM enrichment.geocodes WHERE provider = 'google_geocoding' AND outcome = 'data'"
    (bought,) = conn.execute(f"SELECT count(*) {google} AND latitude IS NOT NULL").fetchall()[0]
    assert bought > 20
    assert purge_values(conn) == purge(conn) == 0
    for table in ("enrichment.geocodes", "ledger.bodies"):
        conn.execute(_A_MONTH_LATER.format(table=table).encode())
    for schema, name in conn.execute(_WITH_POINTS).fetchall():
        if name != "geocodes":
            shown = conn.execute(f'SELECT count(latitude) FROM "{schema}"."{name}"').fetchone()
            assert shown == (0,), f"{schema}.{name} shows what has run out"
    assert purge_values(conn) == bought
    assert purge(conn) >= bought
    left = f"SELECT count(latitude), count(longitude), count(confidence), count(place_id) {google}"
    assert conn.execute(left).fetchone() == (0, 0, 0, bought)
    assert purge_values(conn) == 0
    paid = "SELECT count(*) FROM ledger.claims WHERE cost_micros = 5000 AND body_hash IS NOT NULL"
    assert conn.execute(paid).fetchone() == (30,)
    again = run_definition(conn, dsn, tmp_path, GEOCODES, ids, sandbox)
    assert again.requests == 0, "expiry never buys"
