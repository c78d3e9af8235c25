"""Importing the FCC's files: whole or not at all, joined to addresses by census block."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import psycopg
import pytest

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.errors import BadResponse, ConfigError, InputError
from bulk_lookup_dagster.core.subjects import AddressKey
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.sandbox.places import TOWNS, address_for, services_in
from bulk_lookup_dagster.schemas.broadband_coverage import (
    COLUMNS,
    NUMBERS,
    broadband_coverage_schema,
)
from bulk_lookup_dagster.services import fcc_import
from bulk_lookup_dagster.services.callbacks import receive_callback, settle_open
from bulk_lookup_dagster.services.fcc_import import Imported, import_release
from bulk_lookup_dagster.services.fcc_releases import (
    Release,
    imported_states,
    newest_release,
    outdated,
)
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import environment_clients
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.steps.broadband_coverage import BROADBAND_COVERAGE
from bulk_lookup_dagster.services.steps.geocodes import GEOCODES
from resources.fcc_records import StateFile, read_files, read_offers
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.steps import add_subjects, check_schema, run_definition

Connection = psycopg.Connection[Any]
ARIZONA = "04"
OLDER, NEWEST = date(2025, 6, 30), date(2025, 12, 31)
PHOENIX = TOWNS[0]
HEAD = (
    "frn,provider_id,brand_name,location_id,technology,max_advertised_download_speed,"
    "max_advertised_upload_speed,low_latency,business_residential_code,state_usps,block_geoid"
)
ROW = "1,130077,Example,9,40,1000,35,1,X,AZ,040131142002001"
# Nobody handed these addresses in, so nothing says how sure they are.
PRICED = {
    "providers": {"verizon": {"price_overrides_usd": {"fwa_qualification": "0.05"}}},
    "steps": {"broadband_coverage": {"confidence_floor": 0}},
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess, conn: Connection) -> Platform:
    environ = {
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(platform.environment.home),
        "FCC_BASE_URL": f"{sandbox.url}/fcc",
        "VERIZON_BASE_URL": f"{sandbox.url}/verizon",
    }
    change_settings(conn, "providers.fcc.requests_per_second", "1000", "me")
    return replace(platform, environment=read_environment(environ))


async def import_newest(platform: Platform, state: str) -> Imported:
    return await import_release(platform, Release(await newest_release(platform), state))


def addresses(conn: Connection, count: int) -> list[int]:
    made = [address_for(f"fcc {number}", PHOENIX) for number in range(count)]
    values = {
        AddressKey(one.street, "", one.city, one.state, one.postal_code, "us").value for one in made
    }
    return add_subjects(conn, "address", sorted(values))


def test_a_release_is_imported_once_and_joined_to_addresses_by_block(
    connected: Platform, conn: Connection, dsn: str, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    sandbox.control("DELETE", "log")
    first = asyncio.run(import_newest(connected, ARIZONA))
    assert (first.new, first.as_of.isoformat(), first.files) == (True, "2025-12-31", 5)
    assert first.rows > 200
    calls = sandbox.control("GET", "summary?vendor=fcc")["requests"]
    assert calls == 7, "releases, list, five files"
    again = asyncio.run(import_newest(connected, ARIZONA))
    assert (again.new, again.rows) == (False, first.rows)
    assert sandbox.control("GET", "summary?vendor=fcc")["requests"] == calls + 1
    older = asyncio.run(import_release(connected, Release(OLDER, ARIZONA)))
    assert (older.new, older.as_of) == (False, first.as_of), "a newer one is in"
    assert sandbox.control("GET", "summary?vendor=fcc")["requests"] == calls + 1
    run_definition(conn, dsn, tmp_path, GEOCODES, addresses(conn, 40), sandbox)
    found = conn.execute(
        "SELECT census_block, array_agg(DISTINCT brand ORDER BY brand), min(basis)"
        " FROM enrichment.address_coverage GROUP BY 1"
    ).fetchall()
    assert len(found) > 20
    for block, brands, basis in found:
        assert set(brands) == {one.brand for one in services_in(block)}, "one world for everybody"
        assert basis == "reported_in_block"


def test_an_import_replaces_and_one_that_fails_changes_nothing(
    connected: Platform, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = "SELECT count(*) FROM enrichment.fcc_coverage"
    assert asyncio.run(import_release(connected, Release(OLDER, ARIZONA))).as_of == OLDER
    before = conn.execute(count).fetchone()
    seen: list[str] = []

    def cut(cursor: psycopg.Cursor[Any], file: StateFile, path: Path) -> int:
        seen.append(file.name)
        raise BadResponse("cut")

    with monkeypatch.context() as patched:
        patched.setattr("bulk_lookup_dagster.services.fcc_import._copy", cut)
        with pytest.raises(BadResponse):
            asyncio.run(import_newest(connected, ARIZONA))
    assert seen
    assert imported_states(conn) == {ARIZONA: OLDER}
    assert conn.execute(count).fetchone() == before
    assert asyncio.run(import_newest(connected, ARIZONA)).new
    assert conn.execute(count).fetchone() == before
    assert list(connected.environment.home.glob("fcc-*")) == []


def test_a_state_that_is_none_and_missing_credentials_are_told(
    connected: Platform, platform: Platform
) -> None:
    for state in ("AZ", "4", "99"):
        with pytest.raises(InputError):
            asyncio.run(import_newest(connected, state))
    with pytest.raises(ConfigError, match="sandbox does not run"):
        asyncio.run(import_newest(platform, ARIZONA))


@pytest.mark.parametrize("key", ["2025-12-31", "2025-02-30-04", "2025-12-31-4", "04", "x-04", ""])
def test_a_release_has_one_name_and_other_names_are_refused(key: str) -> None:
    assert Release.parse(Release(NEWEST, ARIZONA).key) == Release(NEWEST, ARIZONA)
    with pytest.raises(InputError, match="no FCC release"):
        Release.parse(key)


def test_states_that_were_imported_are_due_when_there_is_a_newer_release() -> None:
    states = {"04": OLDER, "06": NEWEST}
    assert outdated(states, NEWEST) == [Release(NEWEST, "04")]
    assert outdated(states, OLDER) == []


def test_f11_of_two_imports_at_once_the_newer_release_stays(
    connected: Platform, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older one has its files before the newer one is written, and writes after it."""
    original = fcc_import._replace

    def late(platform: Platform, release: Release, files: Any) -> Imported:
        if release.as_of == OLDER:
            original(platform, Release(NEWEST, ARIZONA), files)
        return original(platform, release, files)

    monkeypatch.setattr(fcc_import, "_replace", late)
    done = asyncio.run(import_release(connected, Release(OLDER, ARIZONA)))
    assert (done.as_of, done.new) == (NEWEST, False)
    assert imported_states(conn) == {ARIZONA: NEWEST}


@pytest.mark.parametrize(
    "row",
    [
        ROW.replace("040131142002001", "12"),
        ROW.replace(",40,", ",41,"),
        ROW.replace("1000", "-1"),
        ROW.replace("130077", "x"),
        "1,2",
    ],
)
def test_f26_a_row_that_is_none_is_a_bad_response_with_its_line(row: str) -> None:
    with pytest.raises(BadResponse, match="line 3"):
        list(read_offers(StringIO(f"{HEAD}\n{ROW}\n{row}\n")))


def test_only_a_states_fixed_broadband_files_are_taken() -> None:
    one = {"file_id": 7, "state_fips": "04", "technology_type": "Fixed Broadband"}
    others = [{**one, "state_fips": "05"}, {**one, "technology_type": "Mobile Broadband"}]
    assert [file.file_id for file in read_files([one, *others], "04")] == ["7"]
    with pytest.raises(BadResponse):
        read_files([{**one, "file_id": "../x"}], "04")


def test_a_qualification_comes_by_callback_and_stands_beside_the_reports(
    connected: Platform, conn: Connection, dsn: str, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    ids = addresses(conn, 12)
    report: RunReport = run_definition(
        conn, dsn, tmp_path, BROADBAND_COVERAGE, ids, sandbox, PRICED
    )
    assert (report.requests, report.accepted) == (len(ids), len(ids))
    clients = environment_clients(connected.environment)
    password = connected.environment.credential("VERIZON_CALLBACK_PASSWORD")
    names = conn.execute("SELECT external_id FROM ledger.claims WHERE state = 'accepted'")
    for (external_id,) in names.fetchall():
        networks = [{"networkType": "LTE", "qualified": "Y"}]
        place = {"addressLine1": "x", "networkTypesList": networks}
        told = {"requestId": external_id, "password": password}
        body = json.dumps({**told, "locations": {"addressList": [place]}}).encode()
        assert receive_callback(conn, "verizon", {}, body, "", clients)
        assert not receive_callback(conn, "verizon", {}, body, "", clients), "stored once"
    assert asyncio.run(settle_open(connected, clients)) == len(ids)
    shown = "SELECT DISTINCT basis, brand, technology FROM enrichment.address_coverage"
    assert conn.execute(shown).fetchall() == [("qualified_at_address", "Verizon", 400)]
    check_schema(conn, broadband_coverage_schema(), COLUMNS, NUMBERS)
    again = run_definition(conn, dsn, tmp_path, BROADBAND_COVERAGE, ids, sandbox, PRICED)
    assert again.requests == 0


def test_a_zip_that_is_none_is_a_bad_response(
    connected: Platform, conn: Connection, tmp_path: Path
) -> None:
    broken, short = tmp_path / "a.zip", tmp_path / "b.zip"
    broken.write_bytes(b"<html>")
    with ZipFile(short, "w") as archive:
        archive.writestr("a.csv", f"{HEAD}\n{ROW}\n")
    for path, records in ((broken, None), (short, 2)):
        with conn.transaction(), conn.cursor() as cursor:
            cursor.execute(fcc_import._CREATE)
            with pytest.raises(BadResponse):
                fcc_import._copy(cursor, StateFile("1", "x", ARIZONA, records), path)
            conn.execute("DROP TABLE IF EXISTS reported")
