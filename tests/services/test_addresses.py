"""The step `addresses`: one spelling, one address per contact, with what is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.sandbox.places import address_for
from bulk_lookup_dagster.schemas.addresses import COLUMNS, NUMBERS, addresses_schema
from bulk_lookup_dagster.services.derivations import ADDRESS
from bulk_lookup_dagster.services.steps.addresses import ADDRESSES
from bulk_lookup_dagster.services.steps.reverse_phones import REVERSE_PHONES
from bulk_lookup_dagster.services.steps.scopes import upload_scope
from bulk_lookup_dagster.services.subjects import derive
from bulk_lookup_dagster.services.uploads import load_upload
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.steps import check_schema, run_definition
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]
HEAD = "phone,name,street,city,state,zip,country"
_CHOSEN = """
    SELECT source, street, unit, state_region, country, kind, deliverability, confidence
      FROM enrichment.contact_addresses ORDER BY contact_id
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def load(conn: Connection, dsn: str, tmp_path: Path, rows: list[str]) -> list[int]:
    """Contacts of a file, derived to their addresses; the addresses' ids."""
    platform = platform_of(dsn, tmp_path)
    path = tmp_path / "leads.csv"
    path.write_text("\n".join((HEAD, *rows)) + "\n")
    upload = load_upload(platform.dsn, platform.secret_key, path)
    derive(conn, platform.secret_key, ADDRESS, upload_scope(upload.upload_id))
    found = conn.execute("SELECT subject_id FROM intake.subjects WHERE kind = 'address' ORDER BY 1")
    return [row[0] for row in found.fetchall()]


def test_two_spellings_are_one_question(
    dsn: str, conn: Connection, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    rows = [
        "415-220-0101,Ann,100 Fern Street Apt 4,Phoenix,Arizona,85034-1111,USA",
        '415-220-0102,Bob,"100 FERN ST., #4",PHOENIX,AZ,85034,',
        "415-220-0103,Cy,P.O. Box 7,Reno,NV,89501,US",
        "415-220-0104,Di,,,,,",
    ]
    ids = load(conn, dsn, tmp_path, rows)
    assert len(ids) == 2
    before = conn.execute(_CHOSEN).fetchall()
    given = ("given", "100 fern st", "4", "az", "us", None, "unknown", 80)
    box = ("given", "po box 7", "", "nv", "us", "po_box", "unknown", 80)
    assert before == [given, given, box]
    report = run_definition(conn, dsn, tmp_path, ADDRESSES, ids, sandbox)
    assert report.requests == 2
    after = conn.execute(_CHOSEN).fetchall()
    assert after[0] == after[1]
    assert after[0][:5] == given[:5]
    assert after[2][5] == "po_box"
    assert all(row[6] != "unknown" for row in after)


def test_verdicts_are_stored_without_the_address_and_asked_once(
    dsn: str, conn: Connection, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    made = [address_for(f"addresses {n}") for n in range(40)]
    rows = [
        f"415-221-{n:04d},X,{one.street} {one.unit},{one.city},{one.state},{one.postal_code},US"
        for n, one in enumerate(made)
    ]
    ids = load(conn, dsn, tmp_path, rows)
    first = run_definition(conn, dsn, tmp_path, ADDRESSES, ids, sandbox)
    assert (first.answered["data"], first.quarantined) == (40, 0)
    check_schema(conn, addresses_schema(), COLUMNS, NUMBERS)
    texts = conn.execute("SELECT a::text FROM enrichment.addresses a").fetchall()
    assert not [row for row in texts if any(one.street.casefold() in row[0] for one in made)]
    assert run_definition(conn, dsn, tmp_path, ADDRESSES, ids, sandbox).requests == 0


def test_owners_addresses_stand_in_where_none_was_given_until_they_run_out(
    dsn: str, conn: Connection, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    rows = [f"415-222-{n:04d},X,,,,," for n in range(40)]
    rows.append("415-222-0040,Y,1 Elm St,Reno,NV,89501,US")
    platform = platform_of(dsn, tmp_path)
    load(conn, dsn, tmp_path, rows)
    phones = conn.execute("SELECT phone_subject_id FROM intake.contacts").fetchall()
    run_definition(conn, dsn, tmp_path, REVERSE_PHONES, [row[0] for row in phones], sandbox)
    derive(conn, platform.secret_key, ADDRESS, upload_scope(1))
    sources = "SELECT source, count(*)::int FROM enrichment.contact_addresses GROUP BY 1"
    found = dict(conn.execute(sources).fetchall())
    assert found["given"] == 1
    assert found["reverse_phone"] > 20
    conn.execute("UPDATE enrichment.reverse_phones SET expires_at = fetched_at")
    assert dict(conn.execute(sources).fetchall()) == {"given": 1}
