"""Our Trust Hub account: read once a day through claims, matched exactly, settled by call-backs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.subjects import CompanyKey
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.retention import purge_values
from bulk_lookup_dagster.services.trust_hub import match_companies
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.trust_hub import account, add_company, connected_to, read

Connection = psycopg.Connection[Any]
ROWS = """
    SELECT count(DISTINCT subject_id)::int, min(score)::int, max(score)::int
      FROM enrichment.trust_hub_profiles WHERE operation = %s AND outcome = 'data'
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def connected(platform: Platform, sandbox: SandboxProcess) -> Platform:
    return connected_to(platform, sandbox)


def test_the_whole_account_is_read_once_and_for_nothing(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    first = read(connected)
    customers, products = account(sandbox, "CustomerProfiles"), account(sandbox, "TrustProducts")
    assert first.profiles == len(customers) + len(products)
    assert (first.stopped, first.failed) == ({}, {})
    assert conn.execute(ROWS, ("profile",)).fetchall()[0][0] == first.profiles
    assert conn.execute(ROWS, ("business",)).fetchall()[0][0] == len(customers)
    evaluated, low, high = conn.execute(ROWS, ("evaluation",)).fetchall()[0]
    assert 0 < evaluated < first.profiles, "drafts were never evaluated"
    assert 0 < low < high == 100
    again = read(connected)
    assert (again.profiles, again.requests) == (first.profiles, 0)
    (spent, asked) = conn.execute(
        "SELECT sum(cost_micros)::int, count(*)::int FROM ledger.requests"
    ).fetchall()[0]
    assert (spent, asked) == (0, first.requests)
    summary = sandbox.control("GET", "summary?vendor=twilio_trust_hub")
    assert summary["requests"] - 2 == first.requests, "every request is in the ledger"


def test_reading_anew_asks_everything_again(connected: Platform, conn: Connection) -> None:
    first = read(connected)
    anew = read(connected, anew=True)
    assert anew.requests == first.requests


def test_rejected_profiles_say_which_fields_failed(connected: Platform, conn: Connection) -> None:
    read(connected)
    rows = conn.execute(
        "SELECT p.status, e.score, e.checks_failed FROM enrichment.trust_hub_profiles_best p"
        " JOIN enrichment.trust_hub_profiles_best e USING (subject_id)"
        " WHERE p.operation = 'profile' AND e.operation = 'evaluation'"
        "   AND p.status = 'twilio-rejected'"
    ).fetchall()
    assert rows
    assert {tuple(row[2]) for row in rows} == {
        ("customer_profile_business_information.business_registration_number",)
    }
    assert {row[1] for row in rows} == {92}


def test_a_profile_belongs_to_the_company_of_its_domain_or_exact_name(
    connected: Platform, conn: Connection, sandbox: SandboxProcess
) -> None:
    by_domain = add_company(conn, connected, CompanyKey(domain="acorn-dental.example"))
    add_company(conn, connected, CompanyKey(domain="dental.example"))
    assert read(connected).matched == 1
    found = "SELECT company_subject_id, basis FROM enrichment.trust_hub_companies"
    assert conn.execute(found).fetchall() == [(by_domain, "domain")]
    conn.execute("UPDATE enrichment.trust_hub_companies SET expires_at = now()")
    purge_values(conn)
    assert conn.execute(found).fetchall() == []
    assert match_companies(conn, connected.secret_key) == 1
    conn.execute("UPDATE intake.subjects SET value = NULL, erased_at = now() WHERE subject_id = %s",
                 (by_domain,))  # fmt: skip
    assert match_companies(conn, connected.secret_key) == 0


@pytest.mark.parametrize("written, count", [("ACORN DENTAL LLC ", 1), ("Acorn Dental LLC 2", 0)])
def test_a_name_matches_whole_or_not_at_all(
    connected: Platform, conn: Connection, written: str, count: int
) -> None:
    read(connected)
    legal = "SELECT business_name FROM enrichment.trust_hub_profiles WHERE business_name ILIKE %s"
    (name,) = conn.execute(legal, ("acorn dental%",)).fetchall()[0]
    suffix = written.upper().removeprefix("ACORN DENTAL LLC")
    company = add_company(conn, connected, CompanyKey(name="acorn", postal_code="1"))
    know(conn, company, name.upper() + suffix)
    assert match_companies(conn, connected.secret_key) == count
    if count:
        twin = add_company(conn, connected, CompanyKey(name="acorn", postal_code="2"))
        know(conn, twin, name)
        assert match_companies(conn, connected.secret_key) == 0, "two of one name are nobody's"


def know(conn: Connection, company: int, name: str) -> None:
    conn.execute(
        "INSERT INTO enrichment.company_profiles (subject_id, provider, operation, params_hash,"
        " claim_id, outcome, licence_class, fetched_at, expires_at, basis, name)"
        " SELECT %s, 'hunter', 'companies', '', min(claim_id), 'data', 'hunter', now(),"
        " now() + interval '1 day', 'record', %s FROM ledger.claims",
        (company, name),
    )


def test_f32_without_credentials_it_says_so_and_nothing_is_asked(platform: Platform) -> None:
    reading = read(platform)
    assert "sandbox does not run" in reading.stopped["twilio_trust_hub"]
    assert (reading.requests, reading.profiles) == (0, 0)
