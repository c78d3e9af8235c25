"""Companies, people and e-mail, step by step, over a real upload, database and sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.subjects import PersonKey
from bulk_lookup_dagster.sandbox import world
from bulk_lookup_dagster.services.retention import purge_values
from bulk_lookup_dagster.services.steps.company_profiles import COMPANY_PROFILES
from bulk_lookup_dagster.services.steps.email_candidates import EMAIL_CANDIDATES
from bulk_lookup_dagster.services.steps.email_verifications import EMAIL_VERIFICATIONS
from bulk_lookup_dagster.services.steps.person_profiles import PERSON_PROFILES
from bulk_lookup_dagster.services.steps.phone_lookups import PHONE_LOOKUPS
from tests.fakes.email_story import EmailStory, rows_of_every_kind
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]
STEPS = (COMPANY_PROFILES, PERSON_PROFILES, EMAIL_CANDIDATES, EMAIL_VERIFICATIONS)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


@pytest.fixture
def story(conn: Connection, dsn: str, tmp_path: Path, sandbox: SandboxProcess) -> EmailStory:
    sandbox.control("DELETE", "log")
    return EmailStory(conn, platform_of(dsn, tmp_path), sandbox)


def values(story: EmailStory, kind: str, role: str) -> set[str]:
    query = (
        "SELECT s.value FROM intake.contact_subjects l JOIN intake.subjects s USING (subject_id)"
        f" WHERE l.kind = '{kind}' AND l.role = '{role}'"
    )
    return {row[0] for row in story.rows(query)}


def test_every_step_leads_to_the_next_and_buys_nothing_twice(
    story: EmailStory, tmp_path: Path
) -> None:
    story.load(rows_of_every_kind(30), tmp_path / "leads.csv")
    story.run(PHONE_LOOKUPS, "caller_name")
    for step in STEPS:
        report = story.run(step)
        assert report.quarantined == 0, (step.name, story.rows("TABLE ops.quarantine"))
        assert report.answered["data"] > 20, (step.name, report)
        if report.accepted:
            story.hurry()
            report = story.run(step)
        assert report.complete, (step.name, report)
    assert story.sandbox.control("GET", "summary")["paid_twice"] == 0
    for step in (*STEPS, *STEPS):
        again = story.run(step)
        assert (again.due, again.requests) == (0, 0), (step.name, again)


def test_f34_what_is_found_is_the_persons_and_a_guess_is_never_verified(
    story: EmailStory, tmp_path: Path
) -> None:
    story.load(rows_of_every_kind(30), tmp_path / "leads.csv")
    for step in STEPS:
        story.run(step)
    found = story.rows(
        "SELECT s.value, r.provider, r.email, r.source FROM enrichment.email_candidates r"
        " JOIN intake.subjects s USING (subject_id) WHERE r.email IS NOT NULL"
    )
    assert {row[3] for row in found} == {"found", "inferred", "guess"}
    for value, provider, email, source in found:
        assert (source == "guess") is (provider == "local")
        key = PersonKey.parse(value)
        firm = world.company_at(key.domain) if key.domain else world.company_named(key.company)
        if source != "guess":
            assert email == world.person_named(key.first, key.last, firm).work_email
    guessed = {email for _, _, email, source in found if source == "guess"}
    known = {email for _, _, email, source in found if source != "guess"}
    assert values(story, "email", "found") == known
    verified = "SELECT s.value FROM enrichment.email_verifications JOIN intake.subjects s USING"
    assert not guessed & {row[0] for row in story.rows(f"{verified} (subject_id)")} - known


def test_nobody_pays_for_an_address_that_is_known(story: EmailStory, tmp_path: Path) -> None:
    story.load(rows_of_every_kind(30), tmp_path / "leads.csv")
    for step in STEPS[:3]:
        story.run(step)
    asked = {
        row[0]
        for row in story.rows(
            "SELECT DISTINCT s.value FROM ledger.claims c JOIN intake.subjects s USING (subject_id)"
            " WHERE c.operation IN ('email_finder', 'person_email')"
        )
    }
    assert asked
    assert not {value for value in asked if "works-" in value or value.startswith("||||")}
    told = story.rows(
        "SELECT s.value FROM enrichment.person_profiles r JOIN intake.subjects s USING (subject_id)"
        " WHERE r.work_email IS NOT NULL"
    )
    assert told
    assert not asked & {row[0] for row in told}


def test_expiry_of_a_profile_buys_no_address(story: EmailStory, tmp_path: Path) -> None:
    story.load(rows_of_every_kind(30), tmp_path / "leads.csv")
    for step in STEPS[:3]:
        story.run(step)
    story.conn.execute(
        "UPDATE enrichment.person_profiles SET fetched_at = fetched_at - interval '200 days',"
        " expires_at = expires_at - interval '200 days'"
    )
    assert purge_values(story.conn) > 0
    assert story.rows("SELECT count(work_email) FROM enrichment.person_profiles") == [(0,)]
    again = story.run(EMAIL_CANDIDATES)
    assert (again.due, again.requests) == (0, 0)


def test_a_person_whose_companys_domain_is_told_is_asked_about_once(
    story: EmailStory, tmp_path: Path
) -> None:
    story.load([f"Ada,Brook,Falcon Motors {n},,,8950{n},US" for n in range(9)], tmp_path / "x.csv")
    story.run(COMPANY_PROFILES)
    story.run(PERSON_PROFILES)
    assert len(values(story, "person", "profile")) >= 3
    asked = story.rows(
        "SELECT l.contact_id, count(DISTINCT c.subject_id) FROM ledger.claims c"
        " JOIN intake.contact_subjects l USING (subject_id)"
        " WHERE c.provider = 'pdl' AND c.operation = 'person' GROUP BY 1"
    )
    assert len(asked) == 9
    assert {count for _, count in asked} == {1}


def test_a_caller_name_names_a_company_nobody_else_knows_and_says_so(
    story: EmailStory, tmp_path: Path
) -> None:
    rows = [f",,Some Firm {n},,,8{n:04d},US" for n in range(120)]
    story.load(rows, tmp_path / "firms.csv")
    story.run(PHONE_LOOKUPS, "caller_name")
    story.run(COMPANY_PROFILES)
    told = story.rows(
        "SELECT provider, basis, name, industry, licence_class, expires_at - fetched_at"
        " FROM enrichment.company_profiles_best WHERE provider = 'local'"
    )
    assert told
    for _, basis, name, industry, licence, kept in told:
        assert (basis, industry, licence) == ("caller_name", None, "twilio_caller_name")
        assert name
        assert kept.days == 20
    by_others = story.rows("SELECT count(*) FROM enrichment.company_profiles_best")
    assert by_others[0][0] > len(told)


def test_f38_vendors_that_know_domains_alone_are_not_asked_about_names(
    story: EmailStory, tmp_path: Path
) -> None:
    story.load(rows_of_every_kind(10), tmp_path / "leads.csv")
    story.run(COMPANY_PROFILES)
    asked = story.rows(
        "SELECT c.provider, bool_or(s.value LIKE '|%'), bool_or(s.value NOT LIKE '|%')"
        " FROM ledger.claims c JOIN intake.subjects s USING (subject_id) GROUP BY 1"
    )
    by_name = {provider: names for provider, names, _ in asked}
    assert by_name["clearbit"] is False
    assert by_name["pdl"] is True


def test_500_addresses_are_verified_in_five_requests(story: EmailStory, tmp_path: Path) -> None:
    rows = [f",,,ada.brook@firm-{n}.example,,," for n in range(500)]
    story.load(rows, tmp_path / "addresses.csv")
    report = story.run(EMAIL_VERIFICATIONS, "validate")
    assert story.sandbox.control("GET", "summary?vendor=zerobounce")["requests"] == 5
    assert (report.requests, sum(report.answered.values())) == (5, 500)
    verdicts = dict(
        story.rows("SELECT verdict, count(*) FROM enrichment.email_verifications GROUP BY 1")
    )
    assert verdicts["valid"] > 350
    assert sum(verdicts.values()) == 500


def test_only_what_zerobounce_could_not_tell_goes_to_hunter(
    story: EmailStory, tmp_path: Path
) -> None:
    rows = [f",,,ada.brook@firm-{n}.example,,," for n in range(200)]
    story.load(rows, tmp_path / "addresses.csv")
    story.run(EMAIL_VERIFICATIONS)
    unknown = story.rows(
        "SELECT count(*) FROM enrichment.email_verifications"
        " WHERE provider = 'zerobounce' AND verdict = 'unknown'"
    )[0][0]
    asked = story.rows("SELECT count(*) FROM ledger.claims WHERE provider = 'hunter'")[0][0]
    assert asked == unknown > 0
