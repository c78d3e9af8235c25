"""People who objected at Hunter: nobody else is asked, and what it told is served no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.services.housekeeping import purge
from bulk_lookup_dagster.services.objections import withdraw_objected
from bulk_lookup_dagster.services.refresh import replay_steps
from bulk_lookup_dagster.services.retention import purge_values
from bulk_lookup_dagster.services.runs import run_batch
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.steps.company_profiles import COMPANY_PROFILES
from bulk_lookup_dagster.services.steps.email_candidates import EMAIL_CANDIDATES
from bulk_lookup_dagster.services.steps.email_verifications import EMAIL_VERIFICATIONS
from bulk_lookup_dagster.services.steps.person_profiles import PERSON_PROFILES
from bulk_lookup_dagster.services.uploads import load_upload
from tests.fakes.email_story import HEAD, EmailStory
from tests.fakes.many_steps import approved, asked, sandboxed, switch_on
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]
_PEOPLE = [f"Ada,Brook,,,https://firm-{n}.example,," for n in range(12)]
_WITH_EMAIL = [f"Dev,Ember,,dev.ember@works-{n}.example,,," for n in range(12)]
_FOUND = """
    SELECT subject_id, email FROM enrichment.email_candidates
     WHERE provider = 'hunter' AND email IS NOT NULL ORDER BY 1
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox("--faults", "none") as process:
        yield process


@pytest.fixture
def story(conn: Connection, dsn: str, tmp_path: Path, sandbox: SandboxProcess) -> EmailStory:
    sandbox.control("DELETE", "log")
    object_now(sandbox)
    return EmailStory(conn, platform_of(dsn, tmp_path), sandbox)


def object_now(sandbox: SandboxProcess, *emails: str) -> None:
    sandbox.control("PUT", "objected?vendor=hunter", {"emails": list(emails)})


def to_the_end(story: EmailStory, step: Any, *operations: str) -> None:
    if story.run(step, *operations).accepted:
        story.hurry()
        assert story.run(step, *operations).complete


def test_nobody_else_is_asked_about_who_objected_in_any_step_and_nothing_is_paid(
    story: EmailStory, tmp_path: Path
) -> None:
    rows = ["Claimed,Brook,,,https://firm-1.example,,", "Claimed,Ember,,claimed.ember@w.example,,,"]
    story.load(rows, tmp_path / "leads.csv")
    for step in (EMAIL_CANDIDATES, PERSON_PROFILES):
        to_the_end(story, step)
    told = "SELECT provider, operation, outcome, cost_micros FROM ledger.claims ORDER BY claim_id"
    assert story.rows(told) == [
        ("hunter", "email_finder", "objected", 0),
        ("hunter", "people", "objected", 0),
    ]
    answers = "SELECT count(*) FROM enrichment.person_profiles_best WHERE provider = 'hunter'"
    assert story.rows(answers) == [(0,)]
    for step in (EMAIL_CANDIDATES, PERSON_PROFILES):
        again = story.run(step)
        assert (again.due, again.requests) == (0, 0)


def test_an_objection_ends_the_waterfall_of_its_question(story: EmailStory, tmp_path: Path) -> None:
    rows = [f",,Firm,,https://claimed-{n}.example,," for n in range(12)]
    story.load(rows, tmp_path / "firms.csv")
    to_the_end(story, COMPANY_PROFILES)
    told = "SELECT provider, outcome, count(*)::int FROM ledger.claims GROUP BY 1, 2"
    claims = {(row[0], row[1]): row[2] for row in story.rows(told)}
    assert claims["hunter", "objected"] == claims["clearbit", "no_data"] > 0
    assert claims.keys() <= {("clearbit", "data"), ("clearbit", "no_data"), ("hunter", "objected")}


def test_an_address_that_objects_takes_with_it_what_hunter_told_of_its_person(
    story: EmailStory, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    story.load(_PEOPLE, tmp_path / "leads.csv")
    to_the_end(story, EMAIL_CANDIDATES)
    found = dict(story.rows(_FOUND))
    subject, email = next(iter(found.items()))
    object_now(sandbox, email)
    to_the_end(story, EMAIL_VERIFICATIONS, "email_verifier")
    links = f"""SELECT count(*) FROM intake.contact_subjects l JOIN intake.subjects s
                 USING (subject_id) WHERE l.role = 'found' AND s.value = '{email}'"""
    assert story.rows(links) == [(1,)]

    assert withdraw_objected(story.conn) == 1
    assert withdraw_objected(story.conn) == 0
    served = "SELECT subject_id FROM enrichment.email_candidates_best WHERE provider = 'hunter'"
    assert {row[0] for row in story.rows(served)} == found.keys() - {subject}
    assert story.rows(links) == [(0,)]
    replay_steps(story.platform)
    assert {row[0] for row in story.rows(served)} == found.keys() - {subject}
    assert purge_values(story.conn) == 1
    assert purge(story.conn) == 1
    assert (
        story.rows(f"SELECT email FROM enrichment.email_candidates WHERE email = '{email}'") == []
    )
    verdict = "SELECT verdict FROM enrichment.email_verifications_best WHERE sub_status LIKE 'cl%'"
    assert story.rows(verdict) == [("do_not_mail",)]
    again = story.run(EMAIL_CANDIDATES)
    assert (again.due, again.requests) == (0, 0)


def test_a_person_who_objects_takes_with_them_hunters_verdict_and_nobody_elses(
    story: EmailStory, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    story.load(_WITH_EMAIL, tmp_path / "leads.csv")
    for operation in ("validate", "email_verifier"):
        to_the_end(story, EMAIL_VERIFICATIONS, operation)
    object_now(sandbox, "dev.ember@works-3.example")
    to_the_end(story, PERSON_PROFILES, "people")
    assert story.rows("SELECT count(*) FROM ledger.claims WHERE outcome = 'objected'") == [(1,)]
    count = "SELECT provider, count(*)::int FROM enrichment.email_verifications_best GROUP BY 1"
    every = """SELECT provider, count(*)::int FROM enrichment.email_verifications
                WHERE outcome = 'data' AND expires_at > now() GROUP BY 1"""
    before = dict(story.rows(every))
    withdraw_objected(story.conn)
    assert dict(story.rows(every)) == {**before, "hunter": before["hunter"] - 1}
    assert sum(dict(story.rows(count)).values()) == len(_WITH_EMAIL)


def test_a_run_withdraws_by_itself(
    conn: Connection, dsn: str, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    object_now(sandbox)
    platform = sandboxed(dsn, tmp_path / "home", sandbox)
    platform.environment.home.mkdir()
    path = tmp_path / "leads.csv"
    lines = [f"415-224-{n:04d},{row}" for n, row in enumerate(_WITH_EMAIL)]
    path.write_text("\n".join((HEAD, *lines)) + "\n")
    upload = load_upload(platform.dsn, platform.secret_key, path)
    switch_on(conn, "person_profiles", "email_verifications")
    change_settings(conn, "steps.phone_lookups.enabled", "false", "me")
    for step in ("person_profiles", "email_verifications"):
        change_settings(conn, f"steps.{step}.provider_order", '["hunter"]', "me")
    change_settings(conn, "providers.hunter.requests_per_second", "500", "me")
    change_settings(conn, "steps.email_verifications.enabled", "false", "me")
    run_batch(platform, upload.batches[0].batch_id, approved(conn, platform, upload).plan_id)
    profiles = "SELECT count(*) FROM enrichment.person_profiles_best"
    ((before,),) = conn.execute(profiles).fetchall()
    assert before > 3
    object_now(sandbox, *(f"dev.ember@works-{n}.example" for n in range(12)))
    change_settings(conn, "steps.email_verifications.enabled", "true", "me")
    spent = asked(sandbox, "hunter")
    run_batch(platform, upload.batches[0].batch_id, approved(conn, platform, upload).plan_id)
    assert asked(sandbox, "hunter") == spent + len(_WITH_EMAIL)
    assert conn.execute(profiles).fetchall() == [(0,)]
